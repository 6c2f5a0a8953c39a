//! Proves that no parser of outside input fails on whatever it is given: texts, bytes, and what it is made for with a
//! part replaced, taken out or doubled. `PROPTEST_CASES` says how many of each; the fuzz targets look further.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use functions::parsers::{CHECKS, samples};
use proptest::prelude::*;

/// A sample with some of its bytes exchanged for others.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let samples = samples();
    let place = any::<prop::sample::Index>();
    let change = (place, 0..20_usize, prop::collection::vec(any::<u8>(), 0..12));
    (0..samples.len(), prop::collection::vec(change, 0..4)).prop_map(move |(number, changes)| {
        let mut sample = samples.get(number).expect("a sample").clone();
        for (place, length, bytes) in changes {
            let start = place.index(sample.len() + 1);
            let end = (start + length).min(sample.len());
            sample.splice(start..end, bytes);
        }
        sample
    })
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_fail(text in "\\PC{0,300}") {
        CHECKS.iter().for_each(|(_, check)| check(text.as_bytes()));
    }

    #[test]
    fn no_bytes_make_a_parser_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        CHECKS.iter().for_each(|(_, check)| check(&bytes));
    }

    #[test]
    fn nothing_that_resembles_its_input_makes_a_parser_fail(bytes in damaged()) {
        CHECKS.iter().for_each(|(_, check)| check(&bytes));
    }
}

#[test]
fn every_check_has_its_fuzz_target() {
    for (name, _) in CHECKS {
        let path = format!("{}/../../fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        let target = std::fs::read_to_string(path).expect("a fuzz target");
        assert!(target.contains(&format!("parsers::{name}(")), "{name}");
    }
}
