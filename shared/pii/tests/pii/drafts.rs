//! Drafts that disclose nobody: prices, dates, times, order numbers, versions, links and the sender's own
//! public details. Of these too, half the sentences were held out.

use pii::Allowed;

use super::sentences::Set;
use super::values::Maker;

/// What these drafts may hold.
pub fn allowed() -> Allowed {
    Allowed::default()
        .email("jane.doe@northwind.com")
        .email("max.mustermann@acme.com")
        .phone("+14155550100")
        .phone("+493012345678")
        .link("https://www.acme.com")
        .link("linkedin.com/in/max-mustermann")
        .text("Torstraße 49, 10119 Berlin")
}

/// A draft of three to seven sentences.
pub fn draft(set: Set, maker: &mut Maker) -> String {
    let count = maker.number(3, 7);
    let sentences: Vec<String> = (0..count).map(|_| fill(maker.one(frames(set)), maker)).collect();
    let joint = maker.one(&[" ", "\n", "\n\n"]);
    format!(
        "{}{joint}{}",
        maker.one(&["Hi Jane,", "Guten Tag Frau Doe,", "Bonjour Jane,", "Hola Jane,", "Olá Jane,", "Ciao Jane,"]),
        sentences.join(joint)
    )
}

/// Digits for each `#`, and what stands in braces.
fn fill(frame: &str, maker: &mut Maker) -> String {
    let (year, month, day) = (maker.number(2023, 2027), maker.number(1, 12), maker.number(1, 28));
    let (hour, minute) = (maker.number(7, 19), maker.one(&["00", "15", "30", "45"]));
    let dates = [
        format!("{year}-{month:02}-{day:02}"),
        format!("{day:02}.{month:02}.{year}"),
        format!("{month}/{day}/{year}"),
        format!("{day:02}/{month:02}/{}", year - 2000),
        format!("{day}.{month}."),
        format!("{} {day}, {year}", ["May", "June", "October"][(month % 3) as usize]),
    ];
    let date = dates[maker.number(0, 5) as usize].clone();
    let times = [
        format!("{hour}:{minute}"),
        format!("{hour}:{minute}-{}:{minute}", hour + 1),
        format!("{hour}h{minute}"),
        format!("{hour}.{minute} Uhr"),
    ];
    let time = times[maker.number(0, 3) as usize].clone();
    let (small, large) = (maker.number(1, 99), maker.number(1_000, 9_999_999));
    let prices = [
        format!("${}", thousands(large, ",")),
        format!("€{}", thousands(large, ".")),
        format!("{} €", thousands(large, " ")),
        format!("{} EUR", thousands(large, "\u{a0}")),
        format!("USD {large}.{small:02}"),
        format!("R$ {},{small:02}", thousands(large, ".")),
        format!("£{large}"),
        format!("CHF {}.-", thousands(large, "'")),
        format!("${small}k-{}k", small + 20),
    ];
    let price = prices[maker.number(0, 8) as usize].clone();
    let filled = frame
        .replace("{date}", &date)
        .replace("{time}", &time)
        .replace("{price}", &price)
        .replace("{count}", &thousands(large, ","))
        .replace("{small}", &small.to_string())
        .replace("{year}", &year.to_string());
    maker.fill(&filled)
}

fn thousands(number: u64, joint: &str) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push_str(joint);
        }
        written.push(digit);
    }
    written
}

fn frames(set: Set) -> &'static [&'static str] {
    match set {
        Set::Tuned => &[
            "Are you free on {date} at {time} for a short call?",
            "The plan costs {price} a year, {small} % less than in {year}.",
            "Your order 48### and invoice INV-{year}-00### are settled.",
            "Order number 41########, tracking 1Z999AA1##########.",
            "We ship version 2.##.1 to {count} users in Q3.",
            "Between {price} and {price}, for {small} seats.",
            "See https://www.acme.com/pricing?plan=####&ref=########## or acme.com/demo.",
            "I am at max.mustermann@acme.com or +1 (415) 555-0100.",
            "Write to sales@acme.com, or to you at jane.doe@northwind.com?",
            "Our office: Torstraße 49, 10119 Berlin.",
            "ISO 27001, SOC 2 and GDPR, since {year}.",
            "We save you {small}-{small} hours a week; 24/7 support included.",
            "Wir haben am {date} um {time} gesprochen, es ging um {count} Datensätze.",
            "Das Angebot Nr. A-####-## über {price} gilt bis {date}.",
            "Die Rechnungsnummer ist ##########, bitte bis {date}.",
            "Le devis n° ##### de {price} est valable jusqu'au {date}.",
            "Rendez-vous le {date} à {time}, salle ###.",
            "El pedido ######## llega el {date}; el precio es {price}.",
            "O contrato de {price} vale por {small} meses.",
            "L'offerta n. ####/{year} di {price} scade il {date}.",
            "Ticket #####-### is closed; case ######## too.",
            "Let us meet via Zoom, {small} minutes, on Monday {date}.",
            "You grew from {count} to {count} customers in {year}-{year}.",
            "My direct line is +49 30 12345678, my profile linkedin.com/in/max-mustermann.",
            "The model XR-#### comes in ## x ### x ### mm and weighs #.# kg.",
            "Build ####.#.## fixes RFC ####, section #.#.",
            "Can we do {date}, {time} CET, or rather a day later?",
            "That is {price} for {small} licences, billed every {small} months.",
            "PO ####-##### went out on {date}; shipment reference ##########.",
            "FedEx tracking number ############ shows delivery on {date}.",
            "Release {year}.#.# runs on {count} devices, up {small}.##% since {year}.",
            "Your budget of {price} to {price} fits the Growth tier ({small}-{small} users).",
            "Details: www.acme.com/case-studies/{year}/#######, chapter 3.2.1.",
            "Reach me at max.mustermann@acme.com, or call 415-555-0100 before {time}.",
            "Our support is hello@acme.com, our site https://acme.com/en/contact.",
            "Visit us at Torstraße 49, 10119 Berlin on {date}, stand ##, hall #.",
            "We comply with ISO 9001:2015 and EN 301 549 V3.2.1.",
            "Meeting room ####, floor ##, from {time}; bring {small} copies.",
            "Unser Termin: {date}, {time}. Budget laut Plan {price}.",
            "Vertragsnummer ########, Laufzeit {small} Monate, Preis {price} netto.",
            "Artikelnummer ###.###.## ist ab {date} lieferbar, {count} Stück auf Lager.",
            "Votre commande ########## sera livrée le {date} entre {time}.",
            "Une remise de {small} % sur {price}, soit {price} par an.",
            "Le paso el presupuesto {year}/#### por {price}, válido hasta el {date}.",
            "Podemos falar em {date} às {time}? São só {small} minutos.",
            "Il numero d'ordine è ########, la fattura n. ###/{year}.",
            "Reference ABC-###-#### and SKU ##-####-## are in stock.",
            "Our users rose by {count} in {small} weeks; NPS is ##.",
            "The webinar starts {date} {time}, ends {date} {time}.",
            "ROI of ###% in {small} months, payback of {price}, ratio 1:#.",
            "Dimensions ###-###-### mm, 220-240 V, 50/60 Hz, 4.7 of 5 stars.",
            "USt-IdNr. DE#########, HRB ######, Amtsgericht Charlottenburg.",
        ],
        Set::HeldOut => &[
            "Let's say {date}, {time}; if not, {date} works too.",
            "For {small} seats you pay {price}, for {count} it is {price}.",
            "Shipment ######## left on {date}, parcel number ############.",
            "Your quote Q-{year}-##### and purchase order ########## are attached.",
            "Customer ID ######, project P{year}-###.",
            "Between {time} and {time} the API answers {count} requests in ### ms.",
            "We moved from 1.#.# to 2.##.#-rc.# and cut costs by {small}.#%.",
            "Read https://acme.com/blog/{year}/0#/1#/how-we-save-{small}-percent#part-2.",
            "Call me on +1-415-555-0100 ext. 12 or 0049 30 12345678.",
            "info@acme.com and max.mustermann@acme.com both reach us.",
            "The room holds {small}-{small} people, table #, seats ##A and ##B.",
            "Battery: ####mAh, 5V/3A, ###x###x## mm, 2.4 GHz and 5 GHz.",
            "As per §{small} and Art. 6(1)(f) GDPR, last changed {date}.",
            "Capacity is {count} kWh at {price} per month, peak ##.# kW.",
            "Kundennummer ######, Bestellung ########## vom {date}.",
            "Wir sparen {small} Stunden pro Woche, also {price} im Jahr {year}.",
            "Bitte bis {date}, {time}, Raum #.##, Gebäude {small}.",
            "Le contrat n° {year}-####-## prévoit {price} sur {small} mois.",
            "La factura ####-##### de {price} vence el {date}.",
            "O pedido nº ######## de {price} foi enviado em {date}.",
            "Fattura {small}/{year} per {price}, scadenza {date}.",
            "Het aanbod van {price} geldt tot {date}, {time}.",
            "VAT ID DE#########, company register HRB ######.",
            "Part numbers ####-####-#### and ##.###.### replace AB####CD.",
            "Webinar ID ### #### ####, starts {date} {time}.",
            "Survey: #,# of 5, {count} answers, margin ±#.# %, p < 0.0#.",
        ],
    }
}
