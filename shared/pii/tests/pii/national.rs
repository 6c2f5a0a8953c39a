//! Identity numbers of many countries, made by their rules.

use super::values::{Maker, grouped, luhn_sum, remainder};

/// How one is written, and whether it is only known by what announces it.
pub struct National {
    pub country: &'static str,
    pub text: String,
    /// What announces it; without one it stands alone.
    pub label: Option<&'static str>,
}

fn digit(number: &str, at: usize) -> u64 {
    u64::from(number.as_bytes()[at] - b'0')
}

fn sum(number: &str, weights: &[u64]) -> u64 {
    weights.iter().enumerate().map(|(at, weight)| digit(number, at) * weight).sum()
}

/// The first of many tries that is right.
fn until(maker: &mut Maker, mut made: impl FnMut(&mut Maker) -> Option<String>) -> String {
    loop {
        if let Some(number) = made(maker) {
            return number;
        }
    }
}

pub const COUNTRIES: usize = 37;

pub fn national(maker: &mut Maker, country: usize) -> National {
    let (year, month, day) = maker.date();
    let short = year % 100;
    let bare = |country, text| National { country, text, label: None };
    let labelled = |country, text, label| National { country, text, label: Some(label) };
    match country {
        0 => {
            let (area, group, serial) = (maker.number(1, 665), maker.number(1, 99), maker.number(1, 9999));
            bare("US SSN", format!("{area:03}-{group:02}-{serial:04}"))
        }
        1 => {
            let text = maker.digits(9).replacen(|_: char| true, "5", 1);
            labelled("US SSN without dashes", text, "SSN")
        }
        2 => {
            let group = maker.number(70, 88);
            bare("US ITIN", format!("9{}-{group}-{}", maker.digits(2), maker.digits(4)))
        }
        3 => {
            let text = format!(
                "{}{}{}",
                maker.one(&["AB", "CE", "JG", "SX", "WK"]),
                maker.digits(6),
                maker.one(&["A", "B", "C", "D"])
            );
            let text = if maker.number(0, 1) == 0 { grouped(&text, &[2, 2, 2, 2, 1], " ") } else { text };
            bare("UK NINO", text)
        }
        4 => {
            let number = until(maker, |maker| {
                Some(maker.form("199999999"))
                    .filter(|number| !number.starts_with('8') && luhn_sum(number).is_multiple_of(10))
            });
            bare("Canada SIN", grouped(&number, &[3, 3, 3], "-"))
        }
        5 => {
            let number = until(maker, |maker| {
                Some(maker.form("199999999")).filter(|number| luhn_sum(number).is_multiple_of(10))
            });
            labelled("Canada SIN with spaces", grouped(&number, &[3, 3, 3], " "), "SIN")
        }
        6 => {
            // Ten digits of which one occurs twice; the check by the recurrence of ISO 7064.
            let number = until(maker, |maker| {
                let first = maker.form("1999999999");
                let counts: Vec<usize> = ('0'..='9').map(|digit| first.matches(digit).count()).collect();
                let fits =
                    counts.iter().filter(|count| **count == 2).count() == 1 && counts.iter().all(|count| *count < 3);
                let mut carried = 10;
                for at in 0..10 {
                    let mut step = (digit(&first, at) + carried) % 10;
                    if step == 0 {
                        step = 10;
                    }
                    carried = (2 * step) % 11;
                }
                let check = if 11 - carried == 10 { 0 } else { 11 - carried };
                fits.then(|| format!("{first}{check}"))
            });
            bare(
                "Germany Steuer-ID",
                if maker.number(0, 1) == 0 { number } else { grouped(&number, &[2, 3, 3, 3], " ") },
            )
        }
        7 => labelled("Germany Personalausweis", maker.form("L99X99A999"), "Personalausweis"),
        8 => {
            let number =
                format!("{}{short:02}{month:02}{:02}{}", maker.number(1, 2), maker.number(1, 95), maker.digits(6));
            let key = 97 - remainder(&number, 97);
            let text = format!("{number}{key:02}");
            bare("France NIR", if maker.number(0, 1) == 0 { text } else { grouped(&text, &[1, 2, 2, 2, 3, 3, 2], " ") })
        }
        9 | 10 => {
            let first =
                if country == 9 { maker.digits(8) } else { format!("{}{}", maker.number(0, 2), maker.digits(7)) };
            let letter = "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(remainder(&first, 23) as usize).unwrap();
            match country {
                9 => bare("Spain DNI", format!("{first}{}{letter}", maker.one(&["", "-"]))),
                _ => {
                    bare("Spain NIE", format!("{}{}{letter}", ["X", "Y", "Z"][digit(&first, 0) as usize], &first[1..]))
                }
            }
        }
        11 => bare("Italy codice fiscale", italian(maker)),
        12 => {
            let number = until(maker, |maker| {
                let first =
                    format!("{short:02}{:02}{day:02}{}", if year > 1999 { month + 20 } else { month }, maker.digits(4));
                Some(format!("{first}{}", (10 - sum(&first, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10))
            });
            bare("Poland PESEL", number)
        }
        13 | 14 => {
            let mut number = maker.digits(if country == 13 { 9 } else { 8 });
            if country == 14 {
                number += "0001";
            }
            for _ in 0..2 {
                let most = if country == 13 { 11 } else { 9 };
                let weights: Vec<u64> = (0..number.len() as u64).map(|at| 2 + at % (most - 1)).collect();
                let total: u64 =
                    weights.iter().zip(0..).map(|(weight, at)| weight * digit(&number, number.len() - 1 - at)).sum();
                number += &(if total % 11 < 2 { 0 } else { 11 - total % 11 }).to_string();
            }
            let part = |from: usize, to: usize| &number[from..to];
            match country {
                13 if maker.number(0, 2) == 0 => bare("Brazil CPF", number),
                13 => bare("Brazil CPF", format!("{}.{}.{}-{}", part(0, 3), part(3, 6), part(6, 9), part(9, 11))),
                _ => bare(
                    "Brazil CNPJ",
                    format!("{}.{}.{}/{}-{}", part(0, 2), part(2, 5), part(5, 8), part(8, 12), part(12, 14)),
                ),
            }
        }
        15 => {
            let first = format!("{}{}", maker.number(2, 9), maker.digits(10));
            let number = (0..10).map(|check| format!("{first}{check}")).find(|number| verhoeff(number) == 0).unwrap();
            bare("India Aadhaar", grouped(&number, &[4, 4, 4], " "))
        }
        16 => bare("India PAN", maker.form("AAAPA9999A")),
        17 => labelled("Netherlands BSN", maker.form("199999999"), "BSN"),
        18 => {
            let first = format!("{short:02}{month:02}{day:02}{}", maker.digits(3));
            let number = (0..10)
                .map(|check| format!("{first}{check}"))
                .find(|number| luhn_sum(number).is_multiple_of(10))
                .unwrap();
            let century = if maker.number(0, 1) == 0 { String::new() } else { (year / 100).to_string() };
            bare("Sweden", format!("{century}{}-{}", &number[..6], &number[6..]))
        }
        19 => {
            let number = until(maker, |maker| {
                let first = format!("{day:02}{month:02}{short:02}{}", maker.digits(3));
                let one = (11 - sum(&first, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
                let first = format!("{first}{one}");
                let two = (11 - sum(&first[..10.min(first.len())], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
                (one < 10 && two < 10).then(|| format!("{first}{two}"))
            });
            bare("Norway", if maker.number(0, 1) == 0 { number } else { grouped(&number, &[6, 5], " ") })
        }
        20 => {
            let serial = maker.number(2, 899);
            let number = format!("{day:02}{month:02}{short:02}{serial:03}");
            let check = "0123456789ABCDEFHJKLMNPRSTUVWXY".chars().nth(remainder(&number, 31) as usize).unwrap();
            bare("Finland", format!("{}{}{serial:03}{check}", &number[..6], if year > 1999 { 'A' } else { '-' }))
        }
        21 => labelled("Denmark CPR", format!("{day:02}{month:02}{short:02}-{}", maker.digits(4)), "CPR"),
        22 => {
            let first = format!("756{}", maker.digits(9));
            let total: u64 = (0..12).map(|at| digit(&first, at) * if at % 2 == 0 { 1 } else { 3 }).sum();
            let number = format!("{first}{}", (10 - total % 10) % 10);
            bare("Switzerland AHV", grouped(&number, &[3, 4, 4, 2], "."))
        }
        23 => {
            let first = format!(
                "{}{short:02}{month:02}{day:02}H{}{}",
                maker.form("AAAA").replace('Ñ', "X"),
                maker.one(&["DF", "NL", "JC"]),
                maker.one(&["RRL", "NDZ", "BCK"])
            );
            let first = format!("{first}0");
            let alphabet: Vec<char> = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ".chars().collect();
            let value = |part: char| alphabet.iter().position(|letter| *letter == part).unwrap();
            let total: usize = first.chars().enumerate().map(|(at, part)| (18 - at) * value(part)).sum();
            bare("Mexico CURP", format!("{first}{}", (10 - total % 10) % 10))
        }
        24 => labelled("Australia TFN", grouped(&maker.form("199999999"), &[3, 3, 3], " "), "TFN"),
        25 => {
            let first = maker.form("199999999");
            let odd: u64 = (0..9).step_by(2).map(|at| digit(&first, at)).sum();
            let even: u64 = (1..8).step_by(2).map(|at| digit(&first, at)).sum();
            let tenth = (odd * 7 + 100 - even) % 10;
            let all: u64 = (0..9).map(|at| digit(&first, at)).sum::<u64>() + tenth;
            bare("Turkey", format!("{first}{tenth}{}", all % 10))
        }
        26 => bare("South Korea", format!("{short:02}{month:02}{day:02}-{}{}", maker.number(1, 4), maker.digits(6))),
        27 => {
            let first =
                format!("{}{year}{month:02}{day:02}{}", maker.one(&["110105", "310104", "440304"]), maker.digits(3));
            // ISO 7064, MOD 11-2
            let carried = first.bytes().fold(0, |carried, byte| (carried + u64::from(byte - b'0')) * 2 % 11);
            let check = (12 - carried) % 11;
            bare("China", format!("{first}{}", if check == 10 { "X".to_owned() } else { check.to_string() }))
        }
        28 => {
            let first = maker.digits(7);
            let total = sum(&first, &[2, 7, 6, 5, 4, 3, 2]);
            bare("Singapore", format!("S{first}{}", "JZIHGFEDCBA".chars().nth((total % 11) as usize).unwrap()))
        }
        29 => {
            let first = format!("{}{}", maker.one(&["20", "27"]), maker.form("19999999"));
            let check = 11 - sum(&first, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
            let number = until(maker, |_| Some(format!("{first}{}", check % 11 % 10)));
            // A check of ten is not issued.
            if check == 10 {
                national(maker, country)
            } else {
                bare("Argentina CUIT", grouped(&number, &[2, 8, 1], "-"))
            }
        }
        30 => {
            let number = maker.form("19999999");
            let total: u64 = (0..8).map(|at| digit(&number, 7 - at) * (2 + at as u64 % 6)).sum();
            let check = match 11 - total % 11 {
                10 => "K".to_owned(),
                11 => "0".to_owned(),
                other => other.to_string(),
            };
            bare("Chile RUT", format!("{}-{check}", grouped(&number, &[2, 3, 3], ".")))
        }
        31 => {
            let number = until(maker, |maker| {
                let number = format!("{short:02}{month:02}{day:02}{}", maker.digits(4));
                (remainder(&number, 11) == 0).then_some(number)
            });
            bare("Czechia", grouped(&number, &[6, 4], "/"))
        }
        32 => {
            let first = format!("{short:02}{month:02}{day:02}{}0{}", maker.digits(4), maker.number(8, 9));
            let number = (0..10)
                .map(|check| format!("{first}{check}"))
                .find(|number| luhn_sum(number).is_multiple_of(10))
                .unwrap();
            bare("South Africa", number)
        }
        33 => {
            let number = format!("{short:02}{month:02}{day:02}{:03}", maker.number(1, 997));
            let whole = if year > 1999 { format!("2{number}") } else { number.clone() };
            let number = format!("{number}{:02}", 97 - remainder(&whole, 97));
            bare(
                "Belgium",
                format!("{}.{}.{}-{}.{}", &number[..2], &number[2..4], &number[4..6], &number[6..9], &number[9..]),
            )
        }
        34 => {
            let first = format!("{}{short:02}{month:02}{day:02}{}", maker.number(1, 2), maker.digits(5));
            let check = sum(&first, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
            bare("Romania CNP", format!("{first}{}", if check == 10 { 1 } else { check }))
        }
        35 => labelled("Driving licence", maker.form("A9999999"), "driver's license"),
        _ => labelled("UK NHS number", grouped(&maker.form("1999999999"), &[3, 3, 4], " "), "NHS number"),
    }
}

fn italian(maker: &mut Maker) -> String {
    let (year, _, day) = maker.date();
    let day = if maker.number(0, 1) == 0 { day } else { day + 40 };
    let month = maker.one(&["A", "B", "C", "D", "E", "H", "L", "M", "P", "R", "S", "T"]);
    let code = format!("{}{:02}{month}{day:02}{}", maker.form("AAAAAA"), year % 100, maker.form("A999"));
    let odd = "BAKPLCQDREVOSFTGUHMINJWZYX";
    let total: usize = code
        .chars()
        .enumerate()
        .map(|(at, part)| {
            let value = match part {
                '0'..='9' => part as usize - '0' as usize,
                _ => part as usize - 'A' as usize,
            };
            // The published table, as the order of letters by their value at odd places.
            if at % 2 == 0 {
                odd.chars().position(|letter| letter as usize - 'A' as usize == value).unwrap()
            } else {
                value
            }
        })
        .sum();
    format!("{code}{}", char::from(b'A' + (total % 26) as u8))
}

/// The tables of Verhoeff's paper.
fn verhoeff(number: &str) -> usize {
    const D: [&str; 10] = [
        "0123456789",
        "1234067895",
        "2340178956",
        "3401289567",
        "4012395678",
        "5987604321",
        "6598710432",
        "7659821043",
        "8765932104",
        "9876543210",
    ];
    const P: [&str; 8] = [
        "0123456789",
        "1576283094",
        "5803796142",
        "8916043527",
        "9453126870",
        "4286573901",
        "2793806415",
        "7046913258",
    ];
    let cell = |row: &str, at: usize| usize::from(row.as_bytes()[at] - b'0');
    number
        .bytes()
        .rev()
        .enumerate()
        .fold(0, |check, (at, byte)| cell(D[check], cell(P[at % 8], usize::from(byte - b'0'))))
}
