//! Which names there are: the declarations of every module, and what `use` brings in.

use crate::SourceModule;
use crate::model::{
    Block, Calendar, CalendarKind, Const, ConstId, Decision, EventDef, Expr, ExprKind, Flow, Function, Late, Model,
    ModelDecl, ResourceDef, Role, System, Ty, TypeDef, TypeKind,
};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Edit, Fix, Span, nearest};
use flowline_plan::{CalendarId, DecisionId, FlowId, FunctionId, HitPolicy, RoleId, SystemId, TypeId};
use flowline_syntax::ast::{Ident, Item, ItemKind, Module, Use};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// The tables that everything is looked up in.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    pub(crate) model: Model,
    /// One for each module, in the order given.
    pub(crate) modules: Vec<Names>,
    /// Full names of domains, in the order of their declaration.
    pub(crate) domains: Vec<String>,
    /// What modules of a library declare that the project doesn't use: the module, by the name. Known for suggestions only.
    unused: FxHashMap<Arc<str>, String>,
    /// Declarations with a mistake in their text, of which parts may be missing.
    damaged: FxHashSet<Symbol>,
    /// Where the parser found mistakes, in order.
    broken: Vec<Span>,
}

/// So many findings of the parser are looked at for one that holds the same words.
const LOOKED_BACK: usize = 8;

/// What one module sees.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The module's own name.
    pub(crate) module: String,
    own: FxHashMap<Arc<str>, Entry>,
    /// Its own names and those that it imports.
    seen: FxHashMap<Arc<str>, Entry>,
    /// A mistake stands outside of its declarations, so a `use` may be missing.
    misses_imports: bool,
    /// Where another `use` would stand.
    imports: Imports,
}

/// The `use` lines of a module, for those that would be added.
#[derive(Debug, Default)]
struct Imports {
    /// Each module that names are brought in from, and the place behind the last of them.
    ends: Vec<(String, Span)>,
    /// Behind the last line; before the first declaration where there is none.
    next: Option<(Span, bool)>,
}

impl Names {
    /// Whether the module belongs to the project: what nobody uses of a library sees nothing.
    pub(crate) fn has_names(&self) -> bool {
        !self.seen.is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) symbol: Symbol,
    /// Where the name is declared, or imported.
    pub(crate) span: Span,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Symbol {
    Type(TypeId),
    Domain(usize),
    System(SystemId),
    Function(FunctionId),
    Decision(DecisionId),
    Const(ConstId),
    Calendar(CalendarId),
    Role(RoleId),
    /// By the system that it is.
    Model(SystemId),
    Flow(FlowId),
    /// Nothing but its name is referred to.
    Metric,
    Policy,
    /// Declared by text that could not be read, of a kind that is not supported yet, or imported from nowhere. Its finding
    /// is made; uses are passed over in silence.
    Unusable,
}

/// A declaration with its place in the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<'a> {
    pub(crate) module: usize,
    pub(crate) item: &'a Item,
    pub(crate) symbol: Symbol,
}

impl Globals {
    pub(crate) fn find(&self, module: usize, name: &str) -> Option<Entry> {
        let names = self.modules.get(module)?;
        names.seen.get(name).copied().or_else(|| {
            let elsewhere = || self.modules.iter().find_map(|names| names.own.get(name)).map(|entry| entry.span);
            let unused = || self.unused.contains_key(name).then(|| names.imports.next.map(|(at, _)| at)).flatten();
            let span = if names.misses_imports { elsewhere().or_else(unused)? } else { return None };
            Some(Entry { symbol: Symbol::Unusable, span })
        })
    }

    /// The first module that declares the name.
    pub(crate) fn declared_in(&self, name: &str) -> Option<&str> {
        let declares = |names: &&Names| names.own.get(name).is_some_and(|entry| entry.symbol != Symbol::Unusable);
        let used = self.modules.iter().find(declares).map(|names| names.module.as_str());
        used.or_else(|| self.unused.get(name).map(String::as_str))
    }

    /// Names that a module sees and that stand for what is wanted.
    pub(crate) fn visible(&self, module: usize, wanted: impl Fn(Symbol) -> bool) -> impl Iterator<Item = &str> {
        self.modules
            .get(module)
            .into_iter()
            .flat_map(|names| &names.seen)
            .filter(move |(_, entry)| wanted(entry.symbol))
            .map(|(name, _)| name.as_ref())
    }

    /// Whether the parser found a mistake inside: what seems to be missing there may only be unread.
    pub(crate) fn is_broken(&self, inside: Span) -> bool {
        let first = self.broken.partition_point(|broken| (broken.file, broken.start) < (inside.file, inside.start));
        self.broken.get(first).is_some_and(|broken| broken.file == inside.file && broken.start <= inside.end)
    }

    /// Whether the parser has spoken of the same words, or of those right behind, so that what was read of them isn't what was
    /// meant: in `within 90 minutes` the `90` is no number of its own, in `select line` the `select` no name.
    pub(crate) fn is_told(&self, finding: &Diagnostic) -> bool {
        let span = finding.primary.span;
        let hangs_on = [&f02::MISMATCH, &f02::WRONG_KIND, &f02::OPERATOR, &f01::UNKNOWN_NAME].contains(&finding.code);
        let behind = self.broken.partition_point(|broken| (broken.file, broken.start) < (span.file, span.end));
        let follows = |broken: &Span| broken.file == span.file && broken.start <= span.end + 1;
        if hangs_on && self.broken.get(behind).is_some_and(follows) {
            return true;
        }
        // What the parser reports lies side by side: one that holds these words is among the last that begin before them.
        let holds = |broken: &&Span| {
            broken.file == span.file
                && broken.start <= span.start
                && span.end <= broken.end
                && broken.start < broken.end
        };
        self.broken.iter().take(behind).rev().take(LOOKED_BACK).any(|broken| holds(&broken))
    }

    /// The edit that brings a name of another module in, where the name is used.
    pub(crate) fn bring_in(&self, used: Span, module: &str, name: &str) -> Option<Fix> {
        let is_in = |names: &&Names| names.imports.next.is_some_and(|(at, _)| at.file == used.file);
        let imports = &self.modules.iter().find(is_in)?.imports;
        let (span, text) = match imports.ends.iter().find(|(path, _)| path == module) {
            Some((_, end)) => (*end, format!(", {name}")),
            None => match imports.next? {
                (at, true) => (at, format!("\nuse {module}.{{{name}}}")),
                (at, false) => (at, format!("use {module}.{{{name}}}\n\n")),
            },
        };
        let title = format!("add `use {module}.{{{name}}}`");
        Some(Fix { title, edits: vec![Edit { span, text }], safe: true })
    }

    /// Whether a flow has a `starts`: then it is its own, and no other flow starts it.
    pub(crate) fn starts_by_itself(&self, flow: FlowId) -> bool {
        let start = self.model.flow(flow).and_then(|flow| flow.start.as_ref());
        start.is_some_and(|start| !matches!(start, crate::model::Start::Event { .. }))
    }

    /// Whether parts of the declaration may be missing from its tree.
    pub(crate) fn is_damaged(&self, symbol: Symbol) -> bool {
        self.damaged.contains(&symbol)
    }

    /// What a symbol is, for people: `a record`.
    pub(crate) fn describe(&self, symbol: Symbol) -> &'static str {
        match symbol {
            Symbol::Type(id) => match self.model.ty(id).map(|def| &def.kind) {
                Some(TypeKind::Id) => "an id",
                Some(TypeKind::Enum(_)) => "an enum",
                Some(TypeKind::Record(_)) => "a record",
                Some(TypeKind::Error(_)) => "an error",
                Some(TypeKind::Event(_)) => "an event",
                Some(TypeKind::Resource(_)) => "a resource",
                None => "a type",
            },
            Symbol::Domain(_) => "a domain",
            Symbol::System(_) => "a system",
            Symbol::Function(_) => "a function",
            Symbol::Decision(_) => "a decision",
            Symbol::Const(_) => "a constant",
            Symbol::Calendar(_) => "a calendar",
            Symbol::Role(_) => "a role",
            Symbol::Model(_) => "a model",
            Symbol::Flow(_) => "a flow",
            Symbol::Metric => "a metric",
            Symbol::Policy => "a policy",
            Symbol::Unusable => "something that could not be read",
        }
    }
}

/// Gives every declaration its id and resolves what modules import.
pub(crate) fn collect<'a>(
    modules: &'a [SourceModule],
    diagnostics: &mut Vec<Diagnostic>,
) -> (Globals, Vec<Declared<'a>>) {
    let mut globals = Globals::default();
    let mut declared = Vec::new();
    let used = used(modules);
    for (at, module) in modules.iter().enumerate() {
        let mut names = Names { module: module.name.clone(), ..Names::default() };
        globals.broken.extend(&module.broken);
        if !used.contains(&at) {
            let own = module.ast.items.iter().filter_map(|item| item.kind.name());
            globals.unused.extend(own.map(|name| (name.text.clone(), module.name.clone())));
            globals.modules.push(names);
            continue;
        }
        for item in &module.ast.items {
            let Some(name) = item.kind.name() else { continue };
            let symbol = declare(&mut globals, &module.name, item, name);
            declared.push(Declared { module: at, item, symbol });
            if module.broken.iter().any(|span| item.span.touches(span.start) && item.span.file == span.file) {
                globals.damaged.insert(symbol);
            }
            let entry = Entry { symbol, span: name.span };
            if let Some(first) = names.own.get(&name.text) {
                diagnostics.push(twice(name, first.span));
            } else {
                names.own.insert(name.text.clone(), entry);
            }
        }
        names.seen = names.own.clone();
        // A `use` that can't be read is a `Bad` item.
        let is_read = |item: &&Item| !matches!(item.kind, ItemKind::Bad { .. });
        let is_inside = |span: &Span| module.ast.items.iter().filter(is_read).any(|item| item.span.touches(span.start));
        names.imports = Imports::of(&module.ast);
        names.misses_imports = !module.broken.iter().all(is_inside);
        globals.modules.push(names);
    }
    globals.broken.sort_unstable();
    import(&mut globals, modules, &used, diagnostics);
    circles(modules, diagnostics);
    same_systems(&declared, diagnostics);
    (globals, declared)
}

impl Imports {
    fn of(module: &Module) -> Self {
        let end = |used: &Use| Some((path_of(&used.path), used.names.last()?.span.at_end()));
        let begin = |item: &Item| item.doc.as_ref().map_or(item.span, |doc| doc.span);
        let after = module.uses.last().map(|used| (used.span.at_end(), true));
        let before = || module.items.first().map(begin).map(|span| (Span { end: span.start, ..span }, false));
        Self { ends: module.uses.iter().filter_map(end).collect(), next: after.or_else(before) }
    }
}

/// The modules that belong to the project: its own, and what these use of a library, directly or not.
fn used(modules: &[SourceModule]) -> FxHashSet<usize> {
    let by_name: FxHashMap<&str, usize> = modules.iter().enumerate().map(|(at, m)| (m.name.as_str(), at)).collect();
    let own = modules.iter().enumerate().filter(|(_, module)| !module.library);
    let mut left: Vec<usize> = own.map(|(at, _)| at).collect();
    let mut used: FxHashSet<usize> = left.iter().copied().collect();
    while let Some(module) = left.pop().and_then(|at| modules.get(at)) {
        let paths = module.ast.uses.iter().map(|used| path_of(&used.path));
        left.extend(paths.filter_map(|path| by_name.get(path.as_str()).copied()).filter(|at| used.insert(*at)));
    }
    used
}

/// Two declarations or bindings of one name that see each other.
pub(crate) fn twice(name: &Ident, first: Span) -> Diagnostic {
    Diagnostic::new(&f01::DUPLICATE_NAME, format!("`{name}` is declared twice"), name.span)
        .label("again here")
        .also(first, "first here")
        .help("give one of them another name")
}

/// Adds the name that was probably meant to a finding about an unknown one.
pub(crate) fn suggest<'a>(
    diagnostic: Diagnostic,
    name: &Ident,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    match nearest(&name.text, candidates) {
        Some(meant) => {
            diagnostic.help(format!("did you mean `{meant}`?")).fix(format!("replace with `{meant}`"), name.span, meant)
        }
        None => diagnostic,
    }
}

/// Puts a place for the declaration into its table.
fn declare(globals: &mut Globals, module: &str, item: &Item, name: &Ident) -> Symbol {
    let model = &mut globals.model;
    let full = format!("{module}.{name}");
    let doc = item.doc.as_ref().map_or_else(String::new, |doc| doc.text.to_string());
    let span = name.span;
    let unknown = || Expr { span, ty: Ty::Unknown, kind: ExprKind::Unknown };
    let mut new_type = |kind| {
        model.types.push(TypeDef { name: full.clone(), doc: doc.clone(), span, kind });
        Symbol::Type(TypeId::from(model.types.len() - 1))
    };
    match &item.kind {
        ItemKind::Id(_) => new_type(TypeKind::Id),
        ItemKind::Enum(_) => new_type(TypeKind::Enum(Vec::new())),
        ItemKind::Record(_) => new_type(TypeKind::Record(Vec::new())),
        ItemKind::Error(_) => new_type(TypeKind::Error(Vec::new())),
        ItemKind::Event(event) => new_type(TypeKind::Event(EventDef {
            version: event.version,
            ce_type: String::new(),
            from: None,
            fields: Vec::new(),
            keys: Vec::new(),
            kept_ms: 0,
        })),
        ItemKind::Resource(_) => {
            new_type(TypeKind::Resource(ResourceDef { fields: Vec::new(), states: Vec::new(), splits_by: None }))
        }
        ItemKind::Domain(_) => {
            globals.domains.push(full);
            Symbol::Domain(globals.domains.len() - 1)
        }
        ItemKind::System(_) => {
            model.systems.push(System {
                name: name.text.to_string(),
                label: String::new(),
                span,
                owns: Vec::new(),
                cleared_for: Vec::new(),
                ops: Vec::new(),
            });
            Symbol::System(SystemId::from(model.systems.len() - 1))
        }
        ItemKind::Decision(_) => {
            model.decisions.push(Decision {
                name: full,
                doc,
                span,
                locals: Vec::new(),
                params: 0,
                result: Ty::Unknown,
                policy: HitPolicy::default(),
                rows: Vec::new(),
            });
            Symbol::Decision(DecisionId::from(model.decisions.len() - 1))
        }
        ItemKind::Fn(_) => {
            model.functions.push(Function {
                name: full,
                doc,
                span,
                locals: Vec::new(),
                params: 0,
                result: Ty::Unknown,
                body: unknown(),
            });
            Symbol::Function(FunctionId::from(model.functions.len() - 1))
        }
        ItemKind::Const(_) => {
            let id = ConstId(u32::try_from(model.consts.len()).unwrap_or(u32::MAX));
            model.consts.push(Const { name: full, doc, span, ty: Ty::Unknown, value: unknown(), folded: None });
            Symbol::Const(id)
        }
        ItemKind::Calendar(_) => {
            model.calendars.push(Calendar { name: full, doc, span, kind: CalendarKind::Unknown });
            Symbol::Calendar(CalendarId::from(model.calendars.len() - 1))
        }
        ItemKind::Flow(flow) => {
            model.flows.push(Flow {
                name: full,
                doc,
                head: flow.head,
                span,
                params: 0,
                result: Ty::Unit,
                raises: Vec::new(),
                signature: crate::model::Signature::default(),
                start: None,
                key: None,
                status: None,
                track: Vec::new(),
                owner: None,
                promises: Vec::new(),
                late: Late::default(),
                locals: Vec::new(),
                scopes: Vec::new(),
                body: Block { span: flow.body.span, stmts: Vec::new() },
            });
            Symbol::Flow(FlowId::from(model.flows.len() - 1))
        }
        ItemKind::Metric(_) => Symbol::Metric,
        ItemKind::Policy(_) => Symbol::Policy,
        ItemKind::Role(_) => {
            model.roles.push(Role { name: full, label: String::new(), doc, span, sees_pii: false, limit: None });
            Symbol::Role(RoleId::from(model.roles.len() - 1))
        }
        ItemKind::Model(_) => {
            let system = SystemId::from(model.systems.len());
            model.systems.push(System {
                name: name.text.to_string(),
                label: String::new(),
                span,
                owns: Vec::new(),
                cleared_for: Vec::new(),
                ops: Vec::new(),
            });
            model.models.push(ModelDecl {
                name: full,
                label: String::new(),
                doc,
                span,
                system,
                version: String::new(),
                input: Ty::Unknown,
                output: Ty::Unknown,
                approval: None,
                fallback: None,
                sees_pii: false,
            });
            Symbol::Model(system)
        }
        ItemKind::Invariant(_)
        | ItemKind::Upcast(_)
        | ItemKind::Test(_)
        | ItemKind::Explore(_)
        | ItemKind::Migrate(_)
        | ItemKind::Bad { .. } => Symbol::Unusable,
    }
}

fn import(globals: &mut Globals, modules: &[SourceModule], used: &FxHashSet<usize>, diagnostics: &mut Vec<Diagnostic>) {
    let by_name: FxHashMap<&str, usize> = modules.iter().enumerate().map(|(at, m)| (m.name.as_str(), at)).collect();
    for (at, module) in modules.iter().enumerate().filter(|(at, _)| used.contains(at)) {
        for used in &module.ast.uses {
            let path = path_of(&used.path);
            let from = by_name.get(path.as_str()).copied();
            if from.is_none() && !used.path.is_empty() {
                diagnostics.push(unknown_module(&used.path, &path, modules));
            }
            for name in &used.names {
                let own = from.and_then(|from| globals.modules.get(from)).map(|names| &names.own);
                // What could not be read there may declare the name.
                let is_unread =
                    from.and_then(|from| globals.modules.get(from)).is_some_and(|names| names.misses_imports);
                let symbol = match own.map(|own| own.get(&name.text)) {
                    Some(None) if is_unread => Symbol::Unusable,
                    Some(Some(entry)) => entry.symbol,
                    Some(None) => {
                        let whole = Diagnostic::new(
                            &f01::UNKNOWN_IMPORT,
                            format!("module `{path}` has no `{name}`"),
                            name.span,
                        )
                        .label("not declared there");
                        let candidates = own.into_iter().flatten().map(|(name, _)| name.as_ref());
                        diagnostics.push(suggest(whole, name, candidates));
                        Symbol::Unusable
                    }
                    None => Symbol::Unusable,
                };
                let Some(names) = globals.modules.get_mut(at) else { continue };
                if let Some(first) = names.seen.get(&name.text) {
                    diagnostics.push(twice(name, first.span));
                } else {
                    names.seen.insert(name.text.clone(), Entry { symbol, span: name.span });
                }
            }
        }
    }
}

fn path_of(path: &[Ident]) -> String {
    path.iter().map(Ident::as_str).collect::<Vec<_>>().join(".")
}

fn unknown_module(path: &[Ident], text: &str, modules: &[SourceModule]) -> Diagnostic {
    let span = path.iter().map(|part| part.span).reduce(Span::to).expect("an empty path is not reported here");
    let whole = Ident { text: text.into(), span };
    let diagnostic = Diagnostic::new(&f01::UNKNOWN_IMPORT, format!("there is no module `{text}`"), span);
    suggest(diagnostic, &whole, modules.iter().map(|module| module.name.as_str()))
}

/// Finds modules that import each other; each circle is told once.
fn circles(modules: &[SourceModule], diagnostics: &mut Vec<Diagnostic>) {
    let by_name: FxHashMap<&str, usize> = modules.iter().enumerate().map(|(at, m)| (m.name.as_str(), at)).collect();
    let edges: Vec<Vec<(usize, Span)>> = modules
        .iter()
        .map(|module| {
            let uses = module.ast.uses.iter();
            uses.filter_map(|used| Some((*by_name.get(path_of(&used.path).as_str())?, used.span))).collect()
        })
        .collect();
    for circle in find_circles(&edges) {
        let name = |at: usize| modules.get(at).map_or("", |module| module.name.as_str());
        let Some((_, first)) = circle.last() else { continue };
        let names: Vec<&str> = circle.iter().map(|(at, _)| name(*at)).collect();
        let mut diagnostic = Diagnostic::new(
            &f01::IMPORT_CYCLE,
            format!("modules import each other in a circle: `{}`", names.join("` → `")),
            *first,
        )
        .help("move what both need into a module of its own");
        if circle.len() > 1 {
            for (at, span) in &circle {
                diagnostic = diagnostic.step(*span, format!("`{}` is imported here", name(*at)));
            }
        }
        diagnostics.push(diagnostic);
    }
}

/// Circles of a graph, each as the nodes it goes to and the places of the edges. Every node is left in one circle at most.
pub(crate) fn find_circles(edges: &[Vec<(usize, Span)>]) -> Vec<Vec<(usize, Span)>> {
    let mut done = FxHashSet::default();
    let mut circles = Vec::new();
    for start in 0..edges.len() {
        // The path from the start: each node with the place of the edge into it and how many of its edges are walked.
        let mut path: Vec<(usize, Option<Span>, usize)> = vec![(start, None, 0)];
        while let Some((node, _, walked)) = path.last_mut() {
            let node = *node;
            let next = edges.get(node).and_then(|edges| edges.get(*walked)).copied();
            *walked += 1;
            let Some((to, span)) = next.filter(|_| !done.contains(&node)) else {
                done.insert(node);
                path.pop();
                continue;
            };
            if let Some(from) = path.iter().position(|(on_path, _, _)| *on_path == to) {
                let inside = path.iter().skip(from + 1).filter_map(|(node, span, _)| Some((*node, (*span)?)));
                circles.push(inside.chain([(to, span)]).collect());
            } else if !done.contains(&to) {
                path.push((to, Some(span), 0));
            }
        }
    }
    circles
}

/// Systems, and models which are some, are called by their short names in plans: these are one name space for the project.
fn same_systems(declared: &[Declared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<&str, (usize, Span)> = FxHashMap::default();
    for each in declared {
        let name = match (&each.item.kind, each.symbol) {
            (ItemKind::System(system), Symbol::System(_)) => &system.name,
            (ItemKind::Model(model), Symbol::Model(_)) => &model.name,
            _ => continue,
        };
        match seen.get(name.as_str()) {
            Some((module, first)) if *module != each.module => diagnostics.push(twice(name, *first)),
            Some(_) => {}
            None => {
                seen.insert(&name.text, (each.module, name.span));
            }
        }
    }
}
