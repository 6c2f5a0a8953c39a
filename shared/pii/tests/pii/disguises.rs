//! How an identifier is written so that a simple search does not see it.

use super::values::Maker;

/// A way to write it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disguise {
    Plain,
    /// Other separators, or some where there were none.
    Separators,
    /// Every digit apart.
    Apart,
    /// Zero-width characters and soft hyphens.
    Invisible,
    FullWidth,
    /// Arabic-Indic, Persian, Devanagari, Bengali or mathematical digits.
    OtherDigits,
    Entities,
    /// "four one one", "double five".
    Spelled,
    /// "jane (at) acme dot com".
    AtDot,
    /// Cyrillic and Greek letters.
    LookAlike,
}

impl Disguise {
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Separators,
        Self::Apart,
        Self::Invisible,
        Self::FullWidth,
        Self::OtherDigits,
        Self::Entities,
        Self::Spelled,
        Self::AtDot,
        Self::LookAlike,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Separators => "other separators",
            Self::Apart => "digit by digit",
            Self::Invisible => "invisible characters",
            Self::FullWidth => "full-width",
            Self::OtherDigits => "other digits",
            Self::Entities => "HTML entities",
            Self::Spelled => "spelled out",
            Self::AtDot => "at, dot",
            Self::LookAlike => "look-alikes",
        }
    }

    /// The text in this disguise; `None` where it makes no difference.
    pub fn of(self, text: &str, maker: &mut Maker) -> Option<String> {
        let characters: Vec<char> = text.chars().collect();
        let disguised = match self {
            Self::Plain => return Some(text.to_owned()),
            Self::Separators => separated(&characters, maker),
            Self::Apart => {
                let parts: Vec<String> = characters
                    .iter()
                    .filter(|part| part.is_alphanumeric() || **part == '+')
                    .map(char::to_string)
                    .collect();
                parts.join(" ").replace("+ ", "+")
            }
            Self::Invisible => {
                let mut hidden = String::new();
                for part in characters {
                    hidden.push(part);
                    if maker.number(0, 2) == 0 {
                        hidden.push_str(maker.one(&["\u{200b}", "\u{200d}", "\u{2060}", "\u{ad}", "\u{feff}"]));
                    }
                }
                hidden
            }
            Self::FullWidth => {
                let wide = |part: char| {
                    if ('!'..='~').contains(&part) { char::from_u32(part as u32 + 0xfee0).unwrap() } else { part }
                };
                characters.into_iter().map(wide).collect()
            }
            Self::OtherDigits => {
                let zero = *[0x660, 0x6f0, 0x966, 0x9e6, 0x1d7ce].get(maker.number(0, 4) as usize).unwrap();
                let other = |part: char| part.to_digit(10).map_or(part, |digit| char::from_u32(zero + digit).unwrap());
                characters.into_iter().map(other).collect()
            }
            Self::Entities => {
                let entity = |part: char, maker: &mut Maker| match maker.number(0, 3) {
                    0 => format!("&#{};", part as u32),
                    1 => format!("&#x{:x};", part as u32),
                    _ if part == '@' => "&commat;".to_owned(),
                    _ if part == ' ' => "&nbsp;".to_owned(),
                    _ => part.to_string(),
                };
                characters.into_iter().map(|part| entity(part, maker)).collect()
            }
            Self::Spelled => {
                let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
                let zero = maker.one(&["zero", "oh"]);
                let joint = maker.one(&[" ", " ", "-", ", "]);
                let mut words: Vec<String> = Vec::new();
                for part in characters {
                    match part.to_digit(10) {
                        Some(0) => words.push(zero.to_owned()),
                        Some(digit) => words.push(names[digit as usize].to_owned()),
                        None if part == '+' => words.push("plus".to_owned()),
                        None if part.is_alphabetic() => return None,
                        None => {}
                    }
                }
                let mut spelled = words.join(joint);
                if maker.number(0, 1) == 0 {
                    for name in names {
                        spelled = spelled.replace(&format!("{name}{joint}{name}"), &format!("double {name}"));
                    }
                }
                spelled
            }
            Self::AtDot => {
                let (at, dot) = *[
                    (" at ", " dot "),
                    (" (at) ", " (dot) "),
                    ("[at]", "[dot]"),
                    ("(at)", "."),
                    ("{at}", "{dot}"),
                    (" AT ", " DOT "),
                    (" @ ", " . "),
                    (" @ ", "."),
                    ("-at-", "-dot-"),
                    (" [at] ", " dot "),
                    ("%40", "."),
                    ("@", "(dot)"),
                    ("(@)", "."),
                ]
                .get(maker.number(0, 12) as usize)
                .unwrap();
                let (local, domain) = text.split_once('@')?;
                format!("{local}{at}{}", domain.replace('.', dot))
            }
            Self::LookAlike => {
                let alike = |part: char| match part {
                    'a' => 'а',
                    'e' => 'е',
                    'o' => 'о',
                    'p' => 'р',
                    'c' => 'с',
                    'x' => 'х',
                    'y' => 'у',
                    'i' => 'і',
                    's' => 'ѕ',
                    'A' => 'А',
                    'B' => 'В',
                    'E' => 'Е',
                    'H' => 'Н',
                    'K' => 'К',
                    'M' => 'М',
                    'T' => 'Т',
                    'v' => 'ν',
                    'N' => 'Ν',
                    other => other,
                };
                characters.into_iter().map(alike).collect()
            }
        };
        (disguised != text).then_some(disguised)
    }
}

fn separated(characters: &[char], maker: &mut Maker) -> String {
    let joint = maker.one(&["\u{a0}", ".", "/", "-", "  ", "_", " - ", "–", "\u{202f}"]);
    let has_some = characters.iter().skip(1).any(|part| !part.is_alphanumeric());
    let mut written = String::new();
    let mut since = 0;
    let mut size = maker.number(2, 4);
    for part in characters {
        if part.is_alphanumeric() || *part == '+' {
            if !has_some && since == size {
                written.push_str(joint);
                (since, size) = (0, maker.number(2, 4));
            }
            written.push(*part);
            since += 1;
        } else if !written.is_empty() && !written.ends_with(joint) {
            written.push_str(joint);
        }
    }
    written
}
