//! Texts and what is read from them: trees of sound files, findings of broken ones.

use flowline_diag::{Diagnostic, Sources, Unit};
use flowline_syntax::ast::{Block, ItemKind, Module, StmtKind};
use flowline_syntax::parse;
use std::path::Path;

#[test]
fn sound_files_give_trees_without_findings() {
    insta::glob!("sound/*.flow", |path| {
        let (module, findings) = read(path);
        assert_eq!(findings, "");
        insta::assert_debug_snapshot!(module);
    });
}

#[test]
fn broken_files_give_findings_and_keep_what_is_sound() {
    insta::glob!("broken/*.flow", |path| {
        let (module, findings) = read(path);
        insta::assert_snapshot!(format!("{findings}\nkept:\n{}", outline(&module)));
    });
}

fn read(path: &Path) -> (Module, String) {
    let mut sources = Sources::default();
    let text = std::fs::read_to_string(path).expect("the fixture can be read");
    let file = sources.add(path.file_name().and_then(|name| name.to_str()).unwrap_or(""), text.as_str());
    let parsed = parse(file, &text);
    let findings = parsed.diagnostics.iter().map(|finding| line(finding, &sources)).collect();
    (parsed.module, findings)
}

fn line(finding: &Diagnostic, sources: &Sources) -> String {
    let at = sources.line_col(finding.primary.span.file, finding.primary.span.start, Unit::Chars);
    let mut line = format!("{}:{} {} {}", at.line, at.column, finding.code.id, finding.message);
    if let Some(help) = &finding.help {
        line += &format!(" | {help}");
    }
    if let Some(fix) = &finding.fix {
        let edits: Vec<_> =
            fix.edits.iter().map(|edit| format!("{:?} => {:?}", sources.slice(edit.span), edit.text)).collect();
        line += &format!(" | {}: {}", if fix.safe { "fix" } else { "maybe" }, edits.join(", "));
    }
    line + "\n"
}

/// The declarations with the kinds of their statements.
fn outline(module: &Module) -> String {
    let mut out = String::new();
    for item in &module.items {
        out += &format!("{} {}\n", kind(&item.kind), item.kind.name().map_or("", |name| name.as_str()));
        if let ItemKind::Flow(flow) = &item.kind {
            block(&flow.body, 1, &mut out);
        } else if let ItemKind::Record(record) | ItemKind::Error(record) = &item.kind {
            record.fields.iter().for_each(|field| out += &format!("  {}\n", field.name));
        } else if let ItemKind::System(system) = &item.kind {
            system.ops.iter().for_each(|op| out += &format!("  {}\n", op.name));
        }
    }
    out
}

fn block(of: &Block, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for stmt in &of.stmts {
        *out += &format!("{indent}{}", kind(&stmt.kind));
        if let StmtKind::Let { name, .. } = &stmt.kind {
            *out += &format!(" {name}");
        }
        *out += "\n";
        if let StmtKind::When(when) = &stmt.kind {
            block(&when.then, depth + 1, out);
        } else if let StmtKind::Attempt(attempt) = &stmt.kind {
            block(&attempt.body, depth + 1, out);
            for handler in &attempt.handlers {
                *out += &format!("{indent}on {}\n", kind(&handler.kind));
                block(&handler.body, depth + 1, out);
            }
        } else if let StmtKind::Bad { inside, .. } = &stmt.kind {
            inside.iter().for_each(|inner| block(inner, depth + 1, out));
        }
    }
}

/// The variant's name.
fn kind(of: &impl std::fmt::Debug) -> String {
    format!("{of:?}").split([' ', '(']).next().unwrap_or("").to_owned()
}
