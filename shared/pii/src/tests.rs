//! Examples of drafts that the gate blocks and that it lets through. `tests/pii` measures how much it finds.

use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Vec<(Category, String)> {
    found_but(text, &Allowed::default())
}

fn found_but(text: &str, allowed: &Allowed) -> Vec<(Category, String)> {
    let written = |finding: &Finding| text.chars().skip(finding.start).take(finding.end - finding.start).collect();
    findings(text, allowed).iter().map(|finding| (finding.category, written(finding))).collect()
}

#[test]
fn a_sales_draft_has_no_finding() {
    for text in [
        "On 2026-04-20 at 10:30, $5,000-$10,000, order 48213, version 2.3.1, 15+ hours",
        "Hi Jane, are you free on 12.05.2026 14:00-15:30 or 05/14/2026 at 3 pm?",
        "From 2024-2025 you grew 10-20 %, to 1,250,000 users and 3 500 000 € in revenue.",
        "Your order 4155550100 ships in 2-3 days; tracking 1Z999AA10123456784.",
        "See https://acme.com/pricing/2026/10000200030 or acme.com, and look at acme.com/demo.",
        "We are 24/7 there for you, ISO 27001 and 9001, RFC 9110, in Q3 2026.",
        "Let us talk via Zoom, 30 minutes, on Monday 12 May. I was born to sell, since 1999.",
        "PIN codes and passwords are required. Your SIN dashboards: 15 of 20.",
        "Acme was founded on 3 March 2015. In 2026 we drive 40 % more. Section 5, page 12.",
        "Meet us at acme.com. 3 seats @ 49.99 USD each.",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn an_address_is_found_however_it_is_written() {
    for text in [
        "jane.doe@acme.com",
        "jane@аcme.com",
        "jane (at) acme (dot) com",
        "jane[at]acme[dot]co[dot]uk",
        "jane at acme dot com",
        "jane dot doe at acme dot com",
        "jane @ acme.com",
        "jane&#64;acme&period;com",
        "jane&amp;#x40;acme.com",
        "ja\u{200b}ne@ac\u{ad}me.com",
        "ｊａｎｅ＠ａｃｍｅ．ｃｏｍ",
        "jane%40acme.com",
        "jane{at}acme{dot}com",
        "jane.doe at acme.com",
    ] {
        let draft = format!("Please ask {text} about it.");
        assert_eq!(found(&draft), [(Category::Email, text.to_owned())], "{text}");
    }
}

#[test]
fn a_phone_number_is_found_however_it_is_written() {
    for text in [
        "+1 415 555 0100",
        "(415) 555-0100",
        "415-555-0100",
        "415.555.0100",
        "+44 (0)20 7946 0958",
        "0044 20 7946 0958",
        "020 7946 0958",
        "0176 12345678",
        "06 12 34 56 78",
        "06-12-34-56-78",
        "030/12345678",
        "+49\u{a0}151\u{a0}23456789",
        "４１５ ５５５ ０１００",
        "٤١٥-٥٥٥-٠١٠٠",
        "४१५ ५५५ ०१००",
        "four one five five five five oh one oh oh",
        "4 1 5 5 5 5 0 1 0 0",
        "4\u{200b}1\u{200b}5-5\u{200d}55-0100",
        "415–555–0100",
        "(11) 91234-5678",
    ] {
        let draft = format!("You reach her at {text}, until 5 pm.");
        assert_eq!(found(&draft), [(Category::Phone, text.to_owned())], "{text}");
    }
}

#[test]
fn cards_and_accounts_are_found_by_their_check_digits() {
    for (text, category) in [
        ("4111 1111 1111 1111", Category::PaymentCard),
        ("4111-1111-1111-1111", Category::PaymentCard),
        ("4111111111111111", Category::PaymentCard),
        ("3782 822463 10005", Category::PaymentCard),
        ("5555.5555.5555.4444", Category::PaymentCard),
        ("4111/1111/1111/1111", Category::PaymentCard),
        ("4111,1111,1111,1111", Category::PaymentCard),
        ("four one one one one one one one one one one one one one one one", Category::PaymentCard),
        ("DE89 3704 0044 0532 0130 00", Category::BankAccount),
        ("GB82WEST12345698765432", Category::BankAccount),
        ("gb82-west-1234-5698-7654-32", Category::BankAccount),
    ] {
        let draft = format!("It is {text}, as agreed.");
        assert_eq!(found(&draft), [(category, text.to_owned())], "{text}");
    }
    for wrong in ["4111 1111 1111 1112", "DE88370400440532013000"] {
        assert_eq!(found(&format!("It is {wrong}, as agreed.")), [], "{wrong}");
    }
}

#[test]
fn identity_numbers_are_found_by_their_check_digits_or_form() {
    for text in [
        "536-22-1234",
        "912-70-1234",
        "130-692-544",
        "AB123456C",
        "AB 12 34 56 C",
        "12345678Z",
        "12345678-Z",
        "X1234567L",
        "RSSMRA85T10A562S",
        "RSS MRA 85T10 A562S",
        "44051401359",
        "529.982.247-25",
        "52998224725",
        "11.222.333/0001-81",
        "86095742719",
        "86 095 742 719",
        "2341 2341 2346",
        "ABCPE1234F",
        "756.9217.0769.85",
        "131052-308T",
        "811218-9876",
        "17054026641",
        "10000000146",
        "900101-1234567",
        "11010519491231002X",
        "1 84 12 76 451 089 46",
        "BOXW310820HNERXN09",
        "S1234567D",
        "20-12345678-6",
        "12.345.678-5",
        "736028/5163",
        "8001015009087",
        "85.07.30-033.28",
    ] {
        assert_eq!(found(&format!("It is {text}, as agreed.")), [(Category::NationalId, text.to_owned())], "{text}");
    }
}

#[test]
fn what_many_numbers_look_like_is_found_behind_what_announces_it() {
    for (label, text, category) in [
        ("Her SSN is", "536221234", Category::NationalId),
        ("Personalausweis Nr.", "L01X00T471", Category::NationalId),
        ("her BSN:", "111222333", Category::NationalId),
        ("driver's license no.", "D1234567", Category::NationalId),
        ("Passport no.", "C01X00T47", Category::Passport),
        ("son passeport est le", "12AB34567", Category::Passport),
        ("account number", "12345678", Category::BankAccount),
        ("sort code", "12-34-56", Category::BankAccount),
        ("She was born on", "12 March 1984", Category::DateOfBirth),
        ("Geburtsdatum:", "12.03.1984", Category::DateOfBirth),
        ("née le", "3 avril 1990", Category::DateOfBirth),
        ("password:", "hunter2!", Category::Credential),
        ("the key", "sk-abcdefghij1234567890", Category::Credential),
        ("from", "81.2.69.142", Category::IpAddress),
        ("see", "linkedin.com/in/john-smith", Category::ProfileLink),
    ] {
        assert_eq!(found(&format!("{label} {text}, as agreed.")), [(category, text.to_owned())], "{text}");
    }
}

#[test]
fn a_postal_address_is_found_in_the_form_of_its_country() {
    for text in [
        "221b Baker Street",
        "1600 Pennsylvania Ave",
        "350 5th Avenue",
        "Hauptstraße 12",
        "Berliner Str. 5",
        "Karl-Marx-Allee 3",
        "12, rue de Rivoli",
        "Calle de Alcalá, 42",
        "Rua Augusta, 1200",
        "Via Roma 12",
        "PO Box 1234",
        "Postfach 1234",
        "Keizersgracht 174",
    ] {
        assert_eq!(found(&format!("She lives at {text}.")), [(Category::PostalAddress, text.to_owned())], "{text}");
    }
    let allowed = Allowed::default().text("Hauptstraße 12, 10115 Berlin");
    assert_eq!(
        found_but("Visit us: Hauptstr. 3 or HAUPTSTRASSE 12, 10115 Berlin", &allowed),
        [(Category::PostalAddress, "Hauptstr. 3".to_owned())]
    );
}

#[test]
fn what_is_allowed_does_not_block() {
    let allowed = Allowed::default()
        .email("Jane@Example.com")
        .phone("+44 20 7946 0958")
        .phone("+14155550100")
        .link("https://www.acme.com/");
    for text in [
        "I wrote to jane@example.com, sales@acme.com answers too.",
        "Call 020 7946 0958, +44 (0)20 7946 0958 or 0044 20 7946 0958.",
        "Call (415) 555-0100 or +1-415-555-0100 2 days before, or +44 20 7946 0958 / 020 7946 0958.",
    ] {
        assert_eq!(found_but(text, &allowed), [], "{text}");
    }
    for text in
        ["john@acme.com", "sales@other.com", "+33 20 7946 0958", "+1 415 555 0101", "+44 20 7946 0958 / 0176 5551234"]
    {
        assert_eq!(found_but(text, &allowed).len(), 1, "{text}");
    }
}

#[test]
fn identifiers_have_the_form_that_leads_are_found_by() {
    let found = identifiers("Ask J.Doe (at) Acme (dot) com, +1 (415) 555-0100 or 020 7946 0958.", Some(44));
    let values: Vec<_> = found.iter().map(|found| (found.kind, found.value.as_str())).collect();
    assert_eq!(values, [("email", "j.doe@acme.com"), ("phone", "+14155550100"), ("phone", "+442079460958")]);
    assert_eq!(found.first().map(Identifier::of_other_lead).map(|finding| (finding.start, finding.end)), Some((4, 29)));
}

#[test]
fn a_full_name_is_found_whatever_its_case_and_accents() {
    let text = "As we did for JOSE  Núñez, and for Ana.";
    let found = mentions(text, &["José Nuñez", "Ana", "Ana Maria"]);
    assert_eq!(found, [Finding { category: Category::OtherLead, start: 14, end: 25 }]);
}

#[test]
fn a_finding_is_told_without_its_text() {
    let found = findings("jane@acme.com", &Allowed::default());
    assert_eq!(serde_json::to_string(&found).unwrap(), r#"[{"category":"email","start":0,"end":13}]"#);
}

proptest! {
    #[test]
    fn no_text_breaks_the_search(text in ".{0,200}") {
        let length = text.chars().count();
        let mut behind = 0;
        for finding in findings(&text, &Allowed::default()) {
            prop_assert!(behind <= finding.start && finding.start < finding.end && finding.end <= length);
            behind = finding.end;
        }
    }

    #[test]
    fn no_mixture_of_what_is_searched_for_breaks_the_search(
        parts in proptest::collection::vec(
            prop_oneof![
                "[0-9]{1,19}", "[ .,:;@()/+#&%-]{1,3}", "(at|dot|plus|one|two|double|SSN|tel|IBAN|DE89|via|rue|born|X)",
                "[a-zß٤é\u{200b}\u{300}]{1,5}", "&#[0-9]{1,7};",
            ],
            0..60,
        )
    ) {
        let text = parts.concat();
        let length = text.chars().count();
        for finding in findings(&text, &Allowed::default()) {
            prop_assert!(finding.start < finding.end && finding.end <= length);
        }
    }
}

#[test]
fn a_text_takes_as_long_as_it_is_long() {
    // Up to a minute each, were every start read to the end again.
    for part in ["1 ", "1.2.", "http://"] {
        let text = part.repeat(30_000 / part.len());
        let began = std::time::Instant::now();
        findings(&text, &Allowed::default());
        assert!(began.elapsed().as_secs() < 20, "{part}: {:?}", began.elapsed());
    }
}
