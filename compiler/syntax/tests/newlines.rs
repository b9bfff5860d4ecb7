//! Which newlines end a statement: each case is a flow's body and the number of statements in it; `None` where it is no sound text.

use flowline_diag::Sources;
use flowline_syntax::{ast::ItemKind, parse};

const CASES: &[(&str, Option<usize>)] = &[
    ("status a\nstatus b", Some(2)),
    ("let x = f(\n  a,\n  b\n)\nstop x", Some(2)),
    ("let x = [\n  a\n]\nstop x", Some(2)),
    ("let x = a +\n  b\nstop x", Some(2)),
    ("let x = a\n  + b", None),
    ("let x = a\n  - b", None),
    ("let x = f\n  (b)", None),
    ("let x = f\n  [b]", None),
    ("let x =\n  a\nstop x", Some(2)),
    ("let x = a and\n  b", Some(1)),
    ("let x = a\n  and b\n  or c", Some(1)),
    ("let x = a\n  .b\n  .c()", Some(1)),
    ("let x = a // why\n\n  // more\n  .b", Some(1)),
    ("let x = a\n  ?? b", Some(1)),
    ("when a { stop b }\nelse { stop c }", Some(1)),
    (
        "attempt { do a.b() }\non E { stop c }\n\ntoo late { stop d }\nafter 3 h { stop e }\nmeanwhile every 1 h { do a.b() }",
        Some(1),
    ),
    ("when a { stop b }\non E { stop c }", None),
    ("attempt { do a.b() }\nstatus c\non E { stop c }", None),
    ("do a.b()\n  retry 3 times from 1 s to 1 min\n  timeout 3 s\n  undo a.c()\n  as name\nstop x", Some(2)),
    ("let x = do a.b()\n  as name", Some(1)),
    ("status a\n  as name", None),
    ("await E for k\n  as e\n  if e.x\n  within 3 h\nstop x", Some(2)),
    ("emit E {\n  a: 1\n  b: 2,\n  c: 3\n}\nstop x", Some(2)),
    ("emit E {\n  or: 1\n  and: 2\n  stop: 3\n}", Some(1)),
    ("let x = order.status\nlet y = order.else", Some(2)),
    ("let message = kept.count + case\nlet owner = message", Some(2)),
    ("await first {\n  E => stop x\n  after 3 h => stop y\n}", Some(1)),
    ("status a status b", None),
    ("let x = \"// no comment\"\nstop x", Some(2)),
    ("status a\r\nstatus b\r\n", Some(2)),
];

#[test]
fn newlines_end_statements_where_the_language_says_so() {
    for (body, expected) in CASES {
        let text = format!("flow f() {{\n{body}\n}}\n");
        let parsed = parse(Sources::default().add("x", ""), &text);
        let ItemKind::Flow(flow) = &parsed.module.items[0].kind else { panic!("no flow: {body}") };
        let found = parsed.diagnostics.is_empty().then_some(flow.body.stmts.len());
        assert_eq!(found, *expected, "{body}\n{:#?}", parsed.diagnostics);
    }
}

#[test]
fn clauses_and_late_events_go_on_with_a_flow() {
    let text = "flow f(a: B) -> C\n  raises E\n\n  // why\n  key a.id once\n{\n  stop x\n}\n\n/// Doc.\nlate E for a.id as e { stop y }\nlate F { stop z }\nrecord R { a: Advice<T>\n  b: Int }\n";
    let parsed = parse(Sources::default().add("x", ""), text);
    assert_eq!(parsed.diagnostics, vec![]);
    let ItemKind::Flow(flow) = &parsed.module.items[0].kind else { panic!("no flow") };
    assert_eq!((flow.late.len(), flow.raises.len(), flow.key.is_some(), parsed.module.items.len()), (2, 1, true, 2));
}
