//! F0701, F0702: each body of data has one owner, and only the owner writes it.

use crate::model::{DomainUse, Model, System};
use flowline_diag::Diagnostic;
use flowline_diag::code::f07;
use rustc_hash::FxHashMap;

pub(super) fn check(model: &Model) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut owners: FxHashMap<&str, (&System, &DomainUse)> = FxHashMap::default();
    for system in &model.systems {
        for owned in &system.owns {
            if let Some((first, at)) = owners.get(owned.name.as_str()) {
                let message = format!("`{}` has two owners: {} and {}", owned.short_name(), first.label, system.label);
                found.push(
                    Diagnostic::new(&f07::TWO_OWNERS, message, owned.span)
                        .label("owned here, too")
                        .also(at.span, "the first owner is here")
                        .help("let one system own it, and the other one ask that system"),
                );
            } else {
                owners.insert(&owned.name, (system, owned));
            }
        }
    }
    for system in &model.systems {
        for (op, written) in system.ops.iter().flat_map(|op| op.writes.iter().map(move |written| (op, written))) {
            let name = written.short_name();
            let (message, help) = match owners.get(written.name.as_str()) {
                Some((owner, _)) if owner.name == system.name => continue,
                Some((owner, _)) => (
                    format!("`{}` writes `{name}`, which belongs to {}", op.name, owner.label),
                    format!("call an operation of `{}` for it", owner.name),
                ),
                None => (
                    format!("`{}` writes `{name}`, which no system owns", op.name),
                    format!("add `owns {name}` to the system whose data it is"),
                ),
            };
            let finding = Diagnostic::new(&f07::NOT_THE_OWNER, message, written.span)
                .label(format!("{} doesn't own it", system.label));
            let finding = match owners.get(written.name.as_str()) {
                Some((_, at)) => finding.also(at.span, "owned here"),
                None => finding,
            };
            found.push(finding.help(help));
        }
    }
    found
}
