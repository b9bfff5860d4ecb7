//! The examples on the pages of codes: the good ones are sound, and the bad ones of this crate's own codes show just that code.

use flowline_diag::{Sources, all_codes};
use flowline_syntax::parse;

/// Codes that this crate reports; the page of F0104 shortens its example.
const OWN: &[&str] = &["F0101", "F0102", "F0103", "F0105", "F0106"];

#[test]
fn examples_are_what_their_pages_say() {
    for code in all_codes().filter(|code| code.id.starts_with("F01")) {
        let blocks: Vec<&str> =
            code.explanation.split("```flow\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        let (bad, good) = (blocks[0], blocks[blocks.len() - 1]);
        let codes = |text: &str| -> Vec<&str> {
            parse(Sources::default().add("page", ""), text).diagnostics.iter().map(|finding| finding.code.id).collect()
        };
        assert_eq!(codes(good), Vec::<&str>::new(), "the good example of {}", code.id);
        if OWN.contains(&code.id) {
            let mut found = codes(bad);
            found.dedup();
            assert_eq!(found, vec![code.id], "the bad example of {}", code.id);
        }
    }
}
