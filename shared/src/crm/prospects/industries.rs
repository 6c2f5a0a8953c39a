//! Industries: which names mean one, and which is part of which. Others are compared by their words.

use std::sync::LazyLock;

use super::words::{Vocabulary, entries};

const EMPTY: &str = "company firm industry sector business organization organisation agency practice provider \
    service solution startup vendor group and of the for in or a an";

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::new(entries(include_str!("names/industries.txt")), EMPTY));

/// The terms of an industry, the most specific of each phrase first. `healthcare SaaS` has those of both.
pub(super) fn terms(industry: &str) -> Vec<String> {
    VOCABULARY.terms(industry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(wanted: &str, industry: &str) -> bool {
        let industry = terms(industry);
        terms(wanted).iter().all(|term| industry.contains(term))
    }

    #[test]
    fn an_industry_is_found_by_each_of_its_names() {
        for (wanted, industry) in [
            ("law firms", "Legal Services"),
            ("law firms", "Law Practice"),
            ("legal", "Law"),
            ("legal services", "law firm"),
            ("SaaS companies", "Software"),
            ("SaaS companies", "Software as a Service (SaaS)"),
            ("software companies", "SaaS"),
            ("software", "Computer Software"),
            ("tech companies", "Software"),
            ("tech startups", "Cyber Security"),
            ("legal automation", "Legal Tech"),
            ("software", "legal automation"),
            ("legal tech", "Contract Automation"),
            ("health care", "Hospital & Health Care"),
            ("e-commerce", "Online Retail"),
            ("retailers", "E-commerce"),
            ("healthcare SaaS", "Healthcare Software"),
            ("banks", "Banking"),
            ("financial services", "Insurance"),
            ("accounting firms", "Accountancy"),
            ("basket weaving", "Basket-Weaving Companies"),
            ("non-profits", "Nonprofit Organization Management"),
            ("services", "Services"),
        ] {
            assert!(fits(wanted, industry), "{wanted} / {industry}: {:?} {:?}", terms(wanted), terms(industry));
        }
    }

    #[test]
    fn another_industry_is_not_found() {
        for (wanted, industry) in [
            ("law firms", "Legal Tech"),
            ("law firms", "Software"),
            ("SaaS", "Legal Services"),
            ("healthcare SaaS", "Software"),
            ("software", "IT services"),
            ("banks", "Insurance"),
            ("basket weaving", "Weaving"),
            ("services", "Legal Services"),
        ] {
            assert!(!fits(wanted, industry), "{wanted} / {industry}: {:?} {:?}", terms(wanted), terms(industry));
        }
    }
}
