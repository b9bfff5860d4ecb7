//! Identities of nodes: parked runs, idempotency keys and audits name a step by them, so they must survive edits elsewhere.
//!
//! A node's identity is the hash of its path: the names of the nodes whose scopes it lies in, its own name, and its place
//! among nodes of that name in its scope. Neither positions nor words of other statements go into it.

use flowline_plan::{Node, ScopeId, StableId};
use rustc_hash::FxHashMap;

/// Gives the nodes their identities. `names` has each node's own name; nodes stand in the order of the text, so that one
/// whose scopes hold others comes before them. `roles` says what each scope is to its node.
pub(crate) fn assign(nodes: &mut [Node], names: &[String], roles: &[String]) {
    let mut paths: Vec<String> = vec![String::new(); roles.len()];
    let mut seen: FxHashMap<(ScopeId, &str), usize> = FxHashMap::default();
    for (node, name) in nodes.iter_mut().zip(names) {
        let equals = seen.entry((node.scope, name)).or_default();
        let outer = paths.get(node.scope.index()).map_or("", String::as_str);
        let path = format!("{outer}/{name}#{equals}");
        *equals += 1;
        node.id = hash(&path);
        let mut inner_names: FxHashMap<&str, usize> = FxHashMap::default();
        for scope in node.kind.scopes() {
            let role = roles.get(scope.index()).map_or("", String::as_str);
            let equals = inner_names.entry(role).or_default();
            if let Some(place) = paths.get_mut(scope.index()) {
                *place = format!("{path}/{role}#{equals}");
            }
            *equals += 1;
        }
    }
}

fn hash(path: &str) -> StableId {
    let hash = blake3::hash(path.as_bytes());
    let (head, _) = hash.as_bytes().split_first_chunk::<8>().expect("a blake3 hash has 32 bytes");
    StableId(u64::from_le_bytes(*head))
}
