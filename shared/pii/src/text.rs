//! A text as a reader sees it: without invisible characters, with every letter and digit in its plain form. Each
//! character keeps its place in the original.

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::words::{Words, words};

/// One character of the normalised text.
#[derive(Clone, Copy, Debug)]
struct Glyph {
    /// The character in lower case and without accents. A digit of any script is `0` to `9`.
    plain: char,
    /// Whether the original is a capital.
    is_capital: bool,
    /// The index of its first character in the original.
    start: usize,
    /// The index after its last character in the original.
    end: usize,
}

/// Consecutive letters and digits.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// The index of its first glyph.
    pub start: usize,
    /// The index after its last glyph.
    pub end: usize,
    /// Its plain characters.
    pub plain: String,
}

/// A normalised text.
#[derive(Debug)]
pub(super) struct Text {
    glyphs: Vec<Glyph>,
    /// Its words, in order.
    pub words: Vec<Word>,
}

impl Text {
    /// Normalises a text.
    pub fn new(original: &str) -> Self {
        let glyphs = glyphs(original);
        let words = words_of(&glyphs);
        let glyphs = with_digits(glyphs, &words);
        Self { words: words_of(&glyphs), glyphs }
    }

    /// The number of glyphs.
    pub fn len(&self) -> usize {
        self.glyphs.len()
    }

    /// The plain character at a place; NUL outside the text.
    pub fn at(&self, place: usize) -> char {
        self.glyphs.get(place).map_or('\0', |glyph| glyph.plain)
    }

    /// The plain character before a place; NUL at the start.
    pub fn before(&self, place: usize) -> char {
        place.checked_sub(1).map_or('\0', |place| self.at(place))
    }

    /// Whether the character at a place is a capital in the original.
    pub fn is_capital(&self, place: usize) -> bool {
        self.glyphs.get(place).is_some_and(|glyph| glyph.is_capital)
    }

    /// Whether there are no lower-case letters from `start` to `end`.
    pub fn is_loud(&self, start: usize, end: usize) -> bool {
        (start..end).all(|place| self.is_capital(place) || !self.at(place).is_alphabetic())
    }

    /// The plain characters from `start` to `end`.
    pub fn plain(&self, start: usize, end: usize) -> String {
        (start..end.min(self.len())).map(|place| self.at(place)).collect()
    }

    /// Whether the plain text has these characters at a place.
    pub fn has(&self, place: usize, characters: &str) -> bool {
        characters.chars().enumerate().all(|(index, character)| self.at(place + index) == character)
    }

    /// The place of a span of glyphs in the original, in characters.
    pub fn written(&self, start: usize, end: usize) -> (usize, usize) {
        let first = self.glyphs.get(start).map_or(0, |glyph| glyph.start);
        let last = end.checked_sub(1).and_then(|last| self.glyphs.get(last)).map_or(first, |glyph| glyph.end);
        (first, last.max(first))
    }

    /// The index of the first word that starts at a place or after it.
    pub fn word_from(&self, place: usize) -> usize {
        self.words.partition_point(|word| word.start < place)
    }
}

/// The plain form of a text, for comparison with allowed values.
pub(super) fn plain(text: &str) -> String {
    glyphs(text).iter().map(|glyph| glyph.plain).collect()
}

fn glyphs(original: &str) -> Vec<Glyph> {
    let characters: Vec<char> = original.chars().collect();
    let decomposing = DecomposingNormalizerBorrowed::new_nfkd();
    let mut glyphs = Vec::with_capacity(characters.len());
    let mut start = 0;
    while let Some(&written) = characters.get(start) {
        let rest = characters.get(start..).unwrap_or_default();
        let (character, length) = escaped(rest).unwrap_or((written, 1));
        let end = start + length;
        let mut push = |plain, is_capital| glyphs.push(Glyph { plain, is_capital, start, end });
        if character.is_ascii() {
            let plain = if character == '\t' { ' ' } else { character.to_ascii_lowercase() };
            push(plain, character.is_ascii_uppercase());
        } else {
            for part in decomposing.normalize_iter(std::iter::once(character)) {
                if is_invisible(part) {
                    continue;
                }
                let is_capital = part.is_uppercase();
                part.to_lowercase().for_each(|lower| spell(lower, is_capital, |plain| push(plain, is_capital)));
            }
        }
        start = end;
    }
    glyphs
}

/// Decodes an HTML entity or a percent-encoded character. Returns the character and the length of its encoded form.
fn escaped(rest: &[char]) -> Option<(char, usize)> {
    match rest {
        ['%', high, low, ..] => {
            let value = high.to_digit(16)? * 16 + low.to_digit(16)?;
            // Only what an address or a number is made of: "20%40" may be about percentages, letters are not.
            char::from_u32(value).filter(|character| "@.+- ".contains(*character)).map(|character| (character, 3))
        }
        ['&', ..] => {
            let mut start = 1;
            // What was escaped twice.
            while rest.get(start..start + 4) == Some(&['a', 'm', 'p', ';'])
                && rest.get(start + 4).is_some_and(|next| next.is_ascii_alphabetic() || *next == '#')
            {
                start += 4;
            }
            let name: String = rest.iter().skip(start).take(12).take_while(|end| **end != ';').collect();
            let length = start + name.chars().count();
            if rest.get(length) != Some(&';') {
                return None;
            }
            let code = |text: &str, radix| u32::from_str_radix(text, radix).ok().and_then(char::from_u32);
            let character = match name.strip_prefix('#') {
                Some(number) => match number.strip_prefix(['x', 'X']) {
                    Some(hexadecimal) => code(hexadecimal, 16),
                    None => code(number, 10),
                },
                None => Some(match name.as_str() {
                    "amp" => '&',
                    "commat" => '@',
                    "period" => '.',
                    "plus" => '+',
                    "sol" => '/',
                    "lpar" => '(',
                    "rpar" => ')',
                    "lowbar" => '_',
                    "colon" => ':',
                    "hyphen" | "dash" | "ndash" | "mdash" | "minus" => '-',
                    "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
                    "shy" | "zwj" | "zwnj" => '\u{200b}',
                    _ => return None,
                }),
            };
            character.map(|character| (character, length + 1))
        }
        _ => None,
    }
}

/// Whether a character is a combining mark or invisible (Unicode, "Default_Ignorable_Code_Point").
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180b}'..='\u{180e}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Passes the plain characters of a character to `push`.
fn spell(lower: char, is_capital: bool, mut push: impl FnMut(char)) {
    if let Some(digit) = digit(lower) {
        return push(digit);
    }
    push(match lower {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        white if white.is_whitespace() => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{30fc}' => '-',
        '·' | '•' | '‧' | '∙' | '⋅' | '。' | '・' => '.',
        '∕' | '⁄' => '/',
        '【' | '〔' | '⟨' | '‹' | '❨' => '(',
        '】' | '〕' | '⟩' | '›' | '❩' => ')',
        // Letters without a decomposition, and Cyrillic and Greek ones that look like Latin ones, small or
        // capital (Unicode Technical Standard 39, "confusables", those within the alphabets in use).
        'ı' | 'і' | 'ι' => 'i',
        'ł' | 'ӏ' => 'l',
        'ø' | 'о' | 'ο' | 'σ' => 'o',
        'đ' | 'ð' | 'ԁ' => 'd',
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'е' | 'ε' => 'e',
        'ɡ' => 'g',
        'н' | 'һ' => 'h',
        'η' if is_capital => 'h',
        'ν' if is_capital => 'n',
        'υ' if is_capital => 'y',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'η' => 'n',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ß' => return "ss".chars().for_each(push),
        'æ' => return "ae".chars().for_each(push),
        'œ' => return "oe".chars().for_each(push),
        'þ' => return "th".chars().for_each(push),
        other => other,
    });
}

/// The zeros of the scripts with decimal digits (Unicode, general category Nd).
const ZEROS: &str = "\
    \u{660}\u{6f0}\u{7c0}\u{966}\u{9e6}\u{a66}\u{ae6}\u{b66}\u{be6}\u{c66}\u{ce6}\u{d66}\u{de6}\u{e50}\u{ed0}\
    \u{f20}\u{1040}\u{1090}\u{17e0}\u{1810}\u{1946}\u{19d0}\u{1a80}\u{1a90}\u{1b50}\u{1bb0}\u{1c40}\u{1c50}\
    \u{a620}\u{a8d0}\u{a900}\u{a9d0}\u{a9f0}\u{aa50}\u{abf0}\u{104a0}\u{11066}\u{1e950}";

fn digit(character: char) -> Option<char> {
    if character < '\u{660}' {
        return None;
    }
    let offset = |zero: char| u32::from(character).checked_sub(u32::from(zero));
    ZEROS.chars().filter_map(offset).find_map(|offset| char::from_digit(offset, 10))
}

/// Replaces three or more spelled-out digits in a row, such as "four one double five", by digits.
fn with_digits(glyphs: Vec<Glyph>, words: &[Word]) -> Vec<Glyph> {
    let mut kept = Vec::with_capacity(glyphs.len());
    let mut copied = 0;
    let mut rest = words;
    while let Some(first) = rest.first() {
        let row = row(&glyphs, rest);
        // One that begins within it ends with it, and spells no more.
        let last = row.last().map_or(first.end, |(_, end, _)| *end);
        rest = words.get(words.partition_point(|word| word.start < last)..).unwrap_or_default();
        if row.iter().filter(|(_, _, digits)| !digits.is_empty()).count() < 3 {
            continue;
        }
        for (start, end, digits) in &row {
            let (Some(opening), Some(closing)) = (glyphs.get(*start), glyphs.get(end - 1)) else { continue };
            // Whatever stood between them, commas too, the digits are one number.
            let apart = Glyph { plain: ' ', is_capital: false, start: opening.start, end: opening.start };
            match *start == first.start {
                true => kept.extend(glyphs.get(copied..*start).unwrap_or_default()),
                false => kept.push(apart),
            }
            match digits.is_empty() {
                true => kept.extend(glyphs.get(*start..*end).unwrap_or_default()),
                false => {
                    let spelled = digits.chars().map(|plain| Glyph { plain, end: closing.end, ..*opening });
                    kept.extend(spelled.flat_map(|digit| [apart, digit]).skip(1));
                }
            }
            copied = *end;
        }
    }
    kept.extend(glyphs.get(copied..).unwrap_or_default());
    kept
}

/// The row of digits that begins with the first word: for each part its span and the digits that its words spell. Parts
/// already written in digits have an empty text.
fn row(glyphs: &[Glyph], words: &[Word]) -> Vec<(usize, usize, String)> {
    let mut row: Vec<(usize, usize, String)> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let gap = row.last().map_or(Some(&[][..]), |(_, end, _)| glyphs.get(*end..word.start)).unwrap_or_default();
        if gap.len() > 3 || gap.iter().any(|glyph| matches!(glyph.plain, '\n' | '+' | ':' | ';' | '!' | '?')) {
            break;
        }
        let times = match word.plain.as_str() {
            "double" | "doble" | "dupla" | "doppel" => 2,
            "triple" | "treble" => 3,
            _ => 1,
        };
        if times > 1 {
            let Some((next, digit)) = words.next().and_then(|next| Some((next, digit_word(&next.plain)?))) else {
                break;
            };
            row.push((word.start, next.end, digit.to_string().repeat(times)));
        } else if let Some(digit) = digit_word(&word.plain) {
            row.push((word.start, word.end, digit.to_string()));
        } else if word.plain.chars().all(|part| part.is_ascii_digit()) {
            row.push((word.start, word.end, String::new()));
        } else {
            break;
        }
    }
    row
}

/// The digit with this name in English, German, French, Spanish, Portuguese, Italian or Dutch.
fn digit_word(plain: &str) -> Option<char> {
    static DIGITS: Words = Words::new(|| words(include_str!("words/digits.txt")));
    let line = DIGITS.iter().find(|line| line.split(' ').skip(1).any(|name| name == plain))?;
    line.chars().next()
}

fn words_of(glyphs: &[Glyph]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut is_open = false;
    for (place, glyph) in glyphs.iter().enumerate() {
        let is_part = glyph.plain.is_alphanumeric();
        match words.last_mut().filter(|_| is_open && is_part) {
            Some(word) => {
                word.plain.push(glyph.plain);
                word.end = place + 1;
            }
            None if is_part => words.push(Word { start: place, end: place + 1, plain: glyph.plain.into() }),
            None => {}
        }
        is_open = is_part;
    }
    words
}
