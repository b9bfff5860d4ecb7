//! `flowline explain`: what a code means.
use flowline_diag::find_code;

use crate::{
    args::Explain,
    exit::{Exit, Failure},
};

/// Prints the page of a code.
///
/// # Errors
/// When there is no such code.
pub(crate) fn run(args: &Explain) -> Result<Exit, Failure> {
    let wanted = args.code.to_uppercase();
    match find_code(&wanted) {
        Some(code) => {
            println!("{}", code.explanation.trim_end());
            Ok(Exit::Fine)
        }
        None => Err(Failure::misuse(format!(
            "no finding has the code `{}`; a code looks like F0401 and stands in front of each finding",
            args.code
        ))),
    }
}
