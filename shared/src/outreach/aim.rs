//! What a follow-up aims at, read from free texts of the request: the lead's stage in the pipeline, and the type of the
//! follow-up.

/// Where a lead stands in the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Little is known, or the stage is not known by its name.
    Early,
    /// It fits, and looks closer.
    Engaged,
    /// It decides.
    Closing,
    /// It has bought.
    Customer,
    /// It has decided against it.
    Lost,
}

/// Words in the names of stages. The first that a name contains decides: "unqualified" contains "qualified".
const STAGES: [(Stage, &[&str]); 4] = [
    (Stage::Lost, &["lost", "disqualified", "unqualified", "dormant", "inactive"]),
    (Stage::Customer, &["won", "customer", "client", "onboarding"]),
    (Stage::Closing, &["proposal", "negotiation", "contract", "quote", "decision"]),
    (Stage::Engaged, &["qualified", "opportunity", "demo", "trial", "evaluation"]),
];

impl Stage {
    /// The stage with this name.
    pub fn of(name: Option<&str>) -> Self {
        let name = name.unwrap_or_default().to_lowercase();
        let stage = STAGES.into_iter().find(|(_, words)| words.iter().any(|word| name.contains(word)));
        stage.map_or(Self::Early, |(stage, _)| stage)
    }
}

/// What the lead is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A call.
    Call,
    /// A meeting.
    Meeting,
    /// A written answer.
    Answer,
}

impl Ask {
    /// What a type of follow-up such as `email` asks for; a call if it is not known.
    pub fn of(kind: Option<&str>) -> Self {
        match kind.unwrap_or_default().to_lowercase().as_str() {
            "meeting" | "demo" | "visit" => Self::Meeting,
            "email" | "e-mail" | "whatsapp" | "message" => Self::Answer,
            _ => Self::Call,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_types_are_read_from_their_usual_names() {
        for (name, stage) in [
            ("Qualified", Stage::Engaged),
            ("unqualified", Stage::Lost),
            ("Closed Won", Stage::Customer),
            ("proposal_sent", Stage::Closing),
            ("new", Stage::Early),
        ] {
            assert_eq!(Stage::of(Some(name)), stage, "{name}");
        }
        assert_eq!((Stage::of(None), Ask::of(None), Ask::of(Some("Demo"))), (Stage::Early, Ask::Call, Ask::Meeting));
    }
}
