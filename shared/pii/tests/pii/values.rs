//! Identifiers that nobody has, made by the rules of those who issue them: written apart from the search,
//! with the check digits computed from their definitions.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// What is made up, from a seed.
pub struct Maker(pub StdRng);

impl Maker {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of.choose(&mut self.0).unwrap()
    }

    pub fn number(&mut self, from: u64, to: u64) -> u64 {
        self.0.random_range(from..=to)
    }

    pub fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'0' + self.number(0, 9) as u8)).collect()
    }

    fn letters(&mut self, of: &str, length: usize) -> String {
        let of: Vec<char> = of.chars().collect();
        (0..length).map(|_| *of.choose(&mut self.0).unwrap()).collect()
    }

    /// A form with `9` for a digit, `1` for one but zero, `A` for a letter; anything else stands for itself.
    pub fn form(&mut self, form: &str) -> String {
        let part = |part| match part {
            '9' => self.digits(1),
            '1' => self.number(1, 9).to_string(),
            'A' => self.letters("ABCDEFGHJKLMNPRSTVWXYZ", 1),
            other => other.to_string(),
        };
        form.chars().map(part).collect()
    }

    /// A digit for each `#` of a form.
    pub fn fill(&mut self, form: &str) -> String {
        form.chars().map(|part| if part == '#' { self.digits(1) } else { part.to_string() }).collect()
    }

    pub fn email(&mut self) -> String {
        let first =
            self.one(&["jane", "marc", "sofia", "li", "olu", "henrik", "ana", "tomasz", "priya", "gwen", "j", "info2"]);
        let last =
            self.one(&["doe", "schmidt", "garcia", "okafor", "nguyen", "rossi", "silva", "kowalski", "iyer", "obrien"]);
        let joint = self.one(&[".", "_", "-", "", "."]);
        let tag = self.one(&["", "", "", "+crm", "84", ".7"]);
        let domain = self.one(&[
            "northwind",
            "blue-harbor",
            "mail.lumen",
            "gmx",
            "gmail",
            "kestrel7",
            "the-mill",
            "post.orchid",
        ]);
        let top = self.one(&["com", "org", "de", "co.uk", "io", "com.br", "fr", "solutions", "es", "in", "museum"]);
        format!("{first}{joint}{last}{tag}@{domain}.{top}")
    }

    pub fn phone(&mut self) -> String {
        let form = self.one(&[
            "+1 (2##) 6##-####",
            "(3##) 4##-####",
            "4##-5##-####",
            "5##.6##.####",
            "7## 8## ####",
            "1-8##-7##-####",
            "+1 6## 5## ####",
            "+44 20 7### ####",
            "+44 (0)161 ### ####",
            "020 7### ####",
            "07### ######",
            "+44 7### ######",
            "0161 496 0###",
            "+49 30 #######",
            "+49 (0)89 ######",
            "030 1234###",
            "0176 ########",
            "089/12####",
            "+49 151 ########",
            "+49-40-#######",
            "+33 6 ## ## ## ##",
            "06 ## ## ## ##",
            "01.4#.##.##.##",
            "0033 1 4# ## ## ##",
            "+34 6## ### ###",
            "6## ## ## ##",
            "9## ### ###",
            "+39 3## #######",
            "+39 02 ########",
            "02 ########",
            "+55 11 9####-####",
            "(11) 9####-####",
            "(21) 3###-####",
            "+91 9#### #####",
            "9#### #####",
            "+91-8#########",
            "+52 55 #### ####",
            "55 5### ####",
            "+31 6 ########",
            "06-########",
            "+46 70 ### ## ##",
            "070-### ## ##",
            "+48 5## ### ###",
            "5## ### ###",
            "+41 79 ### ## ##",
            "079 ### ## ##",
            "+43 664 #######",
            "+61 4## ### ###",
            "04## ### ###",
            "+81 90-####-####",
            "090-####-####",
            "+86 13# #### ####",
            "139 #### ####",
            "+90 532 ### ## ##",
            "+7 912 ###-##-##",
            "8 (912) ###-##-##",
            "+234 80# ### ####",
            "+971 50 ### ####",
            "+65 9### ####",
            "+852 9### ####",
            "+353 87 ### ####",
            "+351 91# ### ###",
            "+32 47# ## ## ##",
            "+45 2# ## ## ##",
            "+47 9## ## ###",
            "+358 40 ### ####",
            "+420 60# ### ###",
            "+40 72# ### ###",
            "+27 82 ### ####",
            "+54 9 11 ####-####",
            "+57 30# #######",
            "+56 9 #### ####",
        ]);
        self.fill(form)
    }

    pub fn card(&mut self) -> String {
        let (start, length) = *[
            ("4", 16),
            ("4", 16),
            ("51", 16),
            ("5425", 16),
            ("2221", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("65", 16),
            ("3530", 16),
            ("30", 14),
            ("36", 14),
            ("62", 16),
            ("6759", 16),
            ("5018", 16),
            ("2200", 16),
        ]
        .choose(&mut self.0)
        .unwrap();
        let start = if start == "30" { "301" } else { start };
        let body = format!("{start}{}", self.digits(length - start.len() - 1));
        // The check digit is the one of ten with which the sum over doubled digits ends in zero.
        let number =
            (0..10).map(|check| format!("{body}{check}")).find(|number| luhn_sum(number).is_multiple_of(10)).unwrap();
        let joint = self.one(&[" ", "-", "", " "]);
        match length {
            15 => grouped(&number, &[4, 6, 5], joint),
            14 => grouped(&number, &[4, 6, 4], joint),
            _ => grouped(&number, &[4, 4, 4, 4], joint),
        }
    }

    pub fn iban(&mut self) -> String {
        // Country, and its account number: a digit or a letter each.
        let (country, form) = *[
            ("DE", "999999999999999999"),
            ("FR", "9999999999AAA9999999999"),
            ("GB", "AAAA99999999999999"),
            ("ES", "99999999999999999999"),
            ("IT", "A9999999999999999999999"),
            ("NL", "AAAA9999999999"),
            ("BE", "999999999999"),
            ("AT", "9999999999999999"),
            ("CH", "99999AAA999999999"),
            ("PL", "999999999999999999999999"),
            ("SE", "99999999999999999999"),
            ("NO", "99999999999"),
            ("PT", "999999999999999999999"),
            ("IE", "AAAA99999999999999"),
            ("TR", "9999990999999999999999"),
            ("SA", "99AAAAAAAAAAAAAAAAAA"),
            ("MT", "AAAA99999999999999999AAA999"),
            ("RO", "AAAA9999999999999999"),
            ("AE", "9999999999999999999"),
            ("BR", "99999999999999999999999A9"),
        ]
        .choose(&mut self.0)
        .unwrap();
        let account = self.form(form);
        let spelled = |text: &str| text.chars().map(|part| part.to_digit(36).unwrap().to_string()).collect::<String>();
        let check = 98 - remainder(&spelled(&format!("{account}{country}00")), 97);
        let iban = format!("{country}{check:02}{account}");
        let groups = vec![4; iban.len().div_ceil(4)];
        let joint = self.one(&[" ", " ", ""]);
        grouped(&iban, &groups, joint)
    }

    pub fn date(&mut self) -> (u64, u64, u64) {
        (self.number(1940, 2005), self.number(1, 12), self.number(1, 28))
    }

    pub fn birth(&mut self) -> String {
        let (year, month, day) = self.date();
        let name = |names: &str| names.split(' ').nth(month as usize - 1).unwrap().to_owned();
        let english = name("January February March April May June July August September October November December");
        let german = name("Januar Februar März April Mai Juni Juli August September Oktober November Dezember");
        let french = name("janvier février mars avril mai juin juillet août septembre octobre novembre décembre");
        let spanish = name("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre");
        match self.number(0, 8) {
            0 => format!("{year}-{month:02}-{day:02}"),
            1 => format!("{day:02}.{month:02}.{year}"),
            2 => format!("{month}/{day}/{year}"),
            3 => format!("{day:02}/{month:02}/{year}"),
            4 => format!("{english} {day}, {year}"),
            5 => format!("{day} {english} {year}"),
            6 => format!("{day}. {german} {year}"),
            7 => format!("{day} {french} {year}"),
            _ => format!("{day} de {spanish} de {year}"),
        }
    }

    pub fn postal(&mut self) -> String {
        let number = self.number(1, 980);
        let english = self.one(&[
            "Maple",
            "Kingsway",
            "Old Mill",
            "Harbor View",
            "Fifth",
            "St. James",
            "Queen Anne",
            "Winchester",
        ]);
        let kind = self.one(&[
            "Street", "St", "Avenue", "Ave.", "Road", "Lane", "Drive", "Blvd", "Court", "Terrace", "Crescent", "Way",
        ]);
        match self.number(0, 11) {
            0..=3 => format!("{number} {english} {kind}"),
            4 => format!(
                "{}{}",
                self.one(&["Lindenstraße ", "Bahnhofstr. ", "Goethestrasse ", "Kirchweg ", "Amselweg "]),
                number % 200 + 1
            ),
            5 => format!(
                "{} {}",
                self.one(&["Berliner Straße", "Karl-Marx-Allee", "Frankfurter Allee", "Lange Gasse"]),
                number % 200 + 1
            ),
            6 => format!(
                "{number} {}",
                self.one(&[
                    "rue de la République",
                    "avenue des Ternes",
                    "bd Saint-Michel",
                    "rue Victor Hugo",
                    "quai d'Orsay"
                ])
            ),
            7 => format!(
                "{}, {number}",
                self.one(&["Calle Mayor", "Avenida de América", "C/ Serrano", "Paseo de Gracia", "Plaza del Carmen"])
            ),
            8 => format!(
                "{}, {number}",
                self.one(&["Rua das Flores", "Avenida Paulista", "Travessa do Carmo", "Alameda Santos"])
            ),
            9 => format!(
                "{} {number}",
                self.one(&["Via Garibaldi", "Viale dei Mille", "Piazza Dante", "Corso Vittorio Emanuele"])
            ),
            10 => format!(
                "{} {number}",
                self.one(&["Prinsengracht", "Dorpsstraat", "Drottninggatan", "Stationsweg", "Vestergade"])
            ),
            _ => format!("{} {number}", self.one(&["PO Box", "P.O. Box", "Postfach", "Postbus"])),
        }
    }

    pub fn internet(&mut self) -> String {
        match self.number(0, 2) {
            0 => format!("2001:db8:{:x}::{:x}", self.number(1, 65_535), self.number(1, 65_535)),
            _ => {
                let first = self.number(11, 99);
                format!("{first}.{}.{}.{}", self.number(0, 255), self.number(0, 255), self.number(1, 254))
            }
        }
    }

    pub fn profile(&mut self) -> String {
        let site = self.one(&[
            "linkedin.com/in/",
            "https://www.linkedin.com/in/",
            "xing.com/profile/",
            "instagram.com/",
            "https://t.me/",
            "x.com/",
        ]);
        let person = self.one(&["jane-doe", "mschmidt", "sofia_garcia", "okafor.olu"]);
        format!("{site}{person}{}", self.number(1, 99))
    }

    pub fn secret(&mut self) -> String {
        match self.number(0, 2) {
            0 => format!("sk-{}", self.form("A9A9A9A9A9A99A9A9A99AA99")),
            1 => format!("AKIA{}", self.form("A9AAAA99A9A9AAA9")),
            _ => format!("ghp_{}", self.form("A9A9A9A9A9A99A9A9A99AA99A9A9A9A9AA9A")),
        }
    }

    pub fn password(&mut self) -> String {
        self.form("AAAA99!9A")
    }

    pub fn passport(&mut self) -> String {
        let form = self.one(&[
            "199999999",
            "A99999999",
            "AA9999999",
            "99AA99999",
            "A9999999",
            "C9999999",
            "AAA999999",
            "999999999",
        ]);
        self.form(form)
    }

    pub fn account(&mut self) -> String {
        let form = self.one(&["19999999", "1999999999", "199999999999", "1999 9999 99", "99-99-99", "199999999"]);
        self.form(form)
    }
}

pub fn grouped(number: &str, groups: &[usize], joint: &str) -> String {
    let mut rest = number;
    let mut parts = Vec::new();
    for length in groups {
        let (part, others) = rest.split_at((*length).min(rest.len()));
        parts.push(part);
        rest = others;
    }
    parts.retain(|part| !part.is_empty());
    parts.join(joint)
}

pub fn luhn_sum(number: &str) -> u32 {
    let doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let digits: Vec<usize> = number.bytes().rev().map(|byte| usize::from(byte - b'0')).collect();
    digits.iter().enumerate().map(|(at, digit)| if at % 2 == 0 { *digit as u32 } else { doubled[*digit] }).sum()
}

pub fn remainder(number: &str, modulus: u64) -> u64 {
    number.bytes().fold(0, |remainder, byte| (remainder * 10 + u64::from(byte - b'0')) % modulus)
}
