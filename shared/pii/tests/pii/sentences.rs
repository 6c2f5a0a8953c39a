//! Sentences around what must not be disclosed. Those of `HELD_OUT` were written down before the first run
//! and not looked at while the search was tuned: only their totals were.

/// Which sentences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Set {
    Tuned,
    HeldOut,
}

/// Sentences for something that is known by itself.
pub fn plain(set: Set) -> &'static [&'static str] {
    match set {
        Set::Tuned => &[
            "Hi Jane, as discussed please use {} for the next step, we start on 2026-05-04 at 10:30.",
            "Your colleague gave me {} yesterday. The offer of $5,000 stands until 30 June 2026.",
            "Marc ({}) asked for the same package, 15 seats for 12 months.",
            "For reference: {}",
            "{} is what we have on file. Shall we talk on Tuesday at 3 pm?",
            "Guten Tag Frau Weber, wir haben hier noch {} notiert, bitte prüfen Sie das bis zum 12.05.2026.",
            "Bitte wenden Sie sich an Herrn Klein, {}. Viele Grüße",
            "Bonjour, voici {} comme convenu ; le devis de 4 500 € suit demain.",
            "Hola Ana: el dato es {}, y la reunión es el 3/6/2026 a las 16:00.",
            "Olá, segue {}. O valor é R$ 12.000,00 por ano.",
            "Buongiorno, le lascio {}; ci sentiamo giovedì.",
            "Beste Jan, gebruik {} en laat het me weten.",
        ],
        Set::HeldOut => &[
            "Quick note, Tom: the other customer can be found under {} if you want to compare notes.",
            "We closed the deal with Sofia last week, see {}, and saved her 20% on 48 licences.",
            "I am forwarding {} - could you confirm before Friday, 17:00?",
            "PS {}",
            "Thanks for the call! Here you go: {}. Version 3.2 ships in Q3.",
            "Sehr geehrter Herr Yilmaz, der Ansprechpartner ist unter {} zu finden; das Angebot über 9.900 EUR gilt weiter.",
            "Danke für das Gespräch, ich schicke Ihnen {} wie versprochen.",
            "Chère Madame, notre client précédent, {}, a réduit ses coûts de 30 %.",
            "Estimado Luis, le paso {} para que lo compruebe antes del 15 de julio.",
            "Prezada Carla, o outro contato é {}, podemos falar amanhã?",
            "Gentile dottor Bianchi, può usare {} per la verifica.",
            "Hej Lena, här är {} som du bad om.",
        ],
    }
}

/// Sentences that announce a value, each with what announces it.
pub fn announced(kind: &str, set: Set) -> &'static [&'static str] {
    match (kind, set) {
        ("national", Set::Tuned) => &[
            "The {label} of our other client is {}, so the forms are ready.",
            "{label}: {}. Anything else you need?",
            "Please enter {label} {} on page 2.",
        ],
        ("national", Set::HeldOut) => &[
            "We already hold your neighbour's {label}, {}, from 2025.",
            "Könnten Sie {label} Nr. {} bestätigen?",
            "Merci de vérifier : {label} = {}",
        ],
        ("passport", Set::Tuned) => &[
            "His passport number is {}, valid until 2030.",
            "Passport no.: {}",
            "Reisepass Nr. {} liegt uns vor.",
            "Su pasaporte {} caduca pronto.",
        ],
        ("passport", Set::HeldOut) => &[
            "For the visa we used passport {} of Ms Okafor.",
            "Die Reisepassnummer lautet {}.",
            "Le numéro de passeport de Marc est {}.",
            "Passaporto n. {} rilasciato a Milano",
        ],
        ("birth", Set::Tuned) => &[
            "Her date of birth is {} and she likes your product.",
            "DOB: {}",
            "Herr Klein, geboren am {}, hat schon unterschrieben.",
            "Fecha de nacimiento: {}.",
        ],
        ("birth", Set::HeldOut) => &[
            "Tom was born on {} in Leeds.",
            "Geburtsdatum des Kunden: {}",
            "Madame Petit, née le {}, est déjà cliente.",
            "Data de nascimento {} conforme o cadastro.",
        ],
        ("account", Set::Tuned) => &[
            "Please transfer to account number {} by Friday.",
            "Bank account: {}",
            "Kontonummer {} bei der Sparkasse.",
            "Sort code {} as before.",
        ],
        ("account", Set::HeldOut) => &[
            "The money goes to acct no. {} every month.",
            "Unsere Kundin hat die Kontonummer: {}",
            "Número de cuenta: {} (Ana).",
            "Routing number {} please.",
        ],
        ("password", Set::Tuned) => &["The password is {} for the demo.", "Password: {}", "Passwort: {}"],
        ("password", Set::HeldOut) => {
            &["Log in with password: {} and look around.", "Contraseña: {}", "Your passcode is {} until Monday."]
        }
        _ => &[],
    }
}
