//! Job titles: which role a title names. English; other titles are compared by their words.

use std::sync::LazyLock;

use super::words::{Vocabulary, entries};

const EMPTY: &str = "of the for a an at in on and or";

/// Ranks: too common to search by if there is something else, and what [`LESSER`] makes another role of.
const RANKS: &str = "ceo cto cfo cmo coo cio ciso cpo cro chro clo cco cdo vp chair president founder owner \
    general-counsel director head manager partner principal chief officer lead senior junior executive";

/// Words that make another role of the rank behind them: who looks for a CEO wants no deputy.
const LESSER: [&str; 4] = ["deputy", "assistant", "associate", "ex"];

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::new(entries(include_str!("names/titles.txt")), EMPTY));

/// The terms of a title. `Founder & CEO` has both; in `Assistant to the CEO` the CEO is somebody else, and
/// so a term of its own.
pub(super) fn terms(title: &str) -> Vec<String> {
    let all = VOCABULARY.terms(title);
    let mut terms: Vec<String> = Vec::new();
    let (mut lesser, mut of_another) = (None::<String>, false);
    for term in all.iter().cloned() {
        let is_rank = is_rank(&term);
        let before = lesser.take();
        if is_rank && let Some(before) = &before {
            terms.pop();
            terms.push(format!("{before}-{term}"));
        } else if term == "to" {
            of_another = true;
        } else if of_another {
            terms.push(format!("to-{term}"));
        } else {
            lesser = LESSER.contains(&term.as_str()).then(|| term.clone());
            terms.push(term);
        }
    }
    if terms.is_empty() { all } else { terms }
}

fn is_rank(term: &str) -> bool {
    RANKS.split(' ').any(|rank| rank == term)
}

/// The term of a title to look its prospects up by: the first that is no rank, else the first.
pub(super) fn rarest(terms: &[String]) -> Option<&String> {
    terms.iter().find(|term| !is_rank(term)).or_else(|| terms.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(wanted: &str, title: &str) -> bool {
        let title = terms(title);
        terms(wanted).iter().all(|term| title.contains(term))
    }

    #[test]
    fn a_title_is_found_by_each_of_its_names() {
        for (wanted, title) in [
            ("CEOs", "Chief Executive Officer"),
            ("chief executive officers", "CEO"),
            ("CEO", "Founder & CEO"),
            ("founders", "Co-Founder and Chief Executive Officer"),
            ("CTOs", "Chief Technical Officer"),
            ("CFO", "Chief Financial Officer, EMEA"),
            ("CMO", "C.M.O."),
            ("COO", "President / Chief Operating Officer"),
            ("VP of Sales", "Vice President, Sales"),
            ("VP Sales", "SVP of Sales & Marketing"),
            ("Vice Presidents", "VP Engineering"),
            ("Head of Marketing", "Head of Sales and Marketing"),
            ("Sales Director", "Director of Sales"),
            ("HR managers", "Human Resources Manager"),
            ("Head of R&D", "Head of Research & Development"),
            ("partners", "Managing Partner"),
            ("attorneys", "Lawyer"),
            ("managers", "Go-to-Market Manager"),
            ("CEO", "Interim CEO"),
            ("CEO", "CEO, ex-Consultant"),
            ("assistant to the CEO", "Executive Assistant to CEO"),
            ("Deputy CEOs", "deputy chief executive"),
            ("最高経営責任者", "最高経営責任者"),
        ] {
            assert!(fits(wanted, title), "{wanted} / {title}: {:?} {:?}", terms(wanted), terms(title));
        }
    }

    #[test]
    fn another_role_is_not_found() {
        for (wanted, title) in [
            ("CEO", "Assistant to the CEO"),
            ("CEO", "Deputy CEO"),
            ("CEO", "Former Chief Executive Officer"),
            ("CEO", "Chief of Staff to the CEO"),
            ("President", "Vice President Sales"),
            ("VP", "Assistant Vice President"),
            ("VP of Sales", "VP Marketing"),
            ("General Counsel", "Associate General Counsel"),
            ("CTO", "CTA"),
            ("Chairman", "Vice Chairman"),
            ("Sales Director", "Sales Manager"),
        ] {
            assert!(!fits(wanted, title), "{wanted} / {title}: {:?} {:?}", terms(wanted), terms(title));
        }
    }

    #[test]
    fn a_title_is_looked_up_by_what_is_rare_in_it() {
        for (title, expected) in [("VP of Sales", "sale"), ("CEO", "ceo"), ("Managing Director", "managing")] {
            assert_eq!(rarest(&terms(title)).unwrap(), expected);
        }
    }
}
