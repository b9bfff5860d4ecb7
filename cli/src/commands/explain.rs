//! `flowline explain`: what a code means.
use flowline_diag::{all_codes, find_code, nearest};

use crate::{
    args::Explain,
    exit::{Exit, Failure},
    out,
};

/// Prints the page of a code.
///
/// # Errors
/// When there is no such code.
pub(crate) fn run(args: &Explain) -> Result<Exit, Failure> {
    let wanted = args.code.trim().to_uppercase();
    match find_code(&wanted) {
        Some(code) => {
            out::print(&format!("{}\n", code.explanation.trim_end()))?;
            Ok(Exit::Fine)
        }
        None => {
            let same_group = || all_codes().map(|code| code.id).filter(|id| wanted.get(..3) == id.get(..3));
            let begun: Vec<&str> = all_codes().map(|code| code.id).filter(|id| id.starts_with(&wanted)).collect();
            let near = nearest(&wanted, same_group()).or_else(|| nearest(&wanted, all_codes().map(|code| code.id)));
            let help = match near {
                _ if wanted.len() > 1 && !begun.is_empty() => format!("there are {}", begun.join(", ")),
                Some(meant) => format!("is `{meant}` meant?"),
                None => "a code looks like F0401 and stands in front of each finding".to_owned(),
            };
            Err(Failure::misuse(format!("no finding has the code `{}`; {help}", args.code)))
        }
    }
}
