//! The picture that a process designer looks at: scopes as nested boxes, steps from top to bottom, arms and branches
//! side by side, handlers beside the body.
use super::{
    catch_text,
    outline::{Item, Part, ends, outline},
    raised, sides, start, undo_of,
};
use crate::{Bundle, Catch, KeyMode, KeyRule, NodeId, NodeKind, OpClass, Plan};

const CHAR_PX: u32 = 7;
/// Of a title, which is bold.
const TITLE_CHAR_PX: u32 = 8;
const LINE_PX: u32 = 17;
const LINE_CHARS: usize = 34;
const LINES_MAX: usize = 3;
const BOX_MIN_PX: u32 = 120;
const GAP_PX: u32 = 24;
const PAD_PX: u32 = 14;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1c2430;text-anchor:middle}\
text.sub,text.arm{font-size:11px;fill:#5a6575}text.head{text-anchor:start;font-weight:600}\
text.left{text-anchor:start}\
.bg{fill:#fff}.box{fill:#eef3fb;stroke:#4a6fa5}.wait{fill:#fdf6e3;stroke:#b58a1b}.pick{fill:#f3effa;stroke:#7a5bb0}\
.end{fill:#e6f4ea;stroke:#3c8a54}.bad{fill:#fceaea;stroke:#b94a48}.mark{fill:#f1f2f4;stroke:#8a94a3}\
.scope{fill:#8a94a3;fill-opacity:.06;stroke:#8a94a3}.side{fill:#b94a48;fill-opacity:.04;stroke:#b98a88;\
stroke-dasharray:5 4}.line{fill:none;stroke:#7a8594;stroke-width:1.4}.tip{fill:#7a8594}\
@media(prefers-color-scheme:dark){text{fill:#e4e8ee}text.sub,text.arm{fill:#a3adba}.bg{fill:#14181e}\
.box{fill:#1e2b40;stroke:#6f97d1}.wait{fill:#33290f;stroke:#d1a63a}.pick{fill:#2a2140;stroke:#a384dd}\
.end{fill:#17301f;stroke:#5bb377}.bad{fill:#3a1b1b;stroke:#de7c79}.mark{fill:#242a33;stroke:#7d8896}}";

/// A drawn part: its size, where control enters and leaves (always the middle), and its elements around (0, 0).
struct Block {
    width: u32,
    height: u32,
    svg: String,
    /// Nothing follows it.
    ends: bool,
}

/// The plan as an SVG picture, without scripts and outside references; it follows the reader's light or dark scheme.
pub fn svg(bundle: &Bundle, plan: &Plan) -> String {
    let painter = Painter { bundle, plan };
    let flow = with_sides(bundle, plan, painter.sequence(&outline(bundle, plan)));
    let name = escaped(plan.short_name());
    let about = about(bundle, plan);
    let widest = flow.width.max(title_px(plan.short_name())).max(text_px(&about));
    let (width, height) = (widest + 4 * PAD_PX, flow.height + 7 * PAD_PX);
    let body = moved(&flow.svg, (width - flow.width) / 2, 5 * PAD_PX);
    let about = escaped(&about);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"{name}\"><style>{STYLE}</style><rect class=\"bg\" width=\"{width}\" \
         height=\"{height}\"/><text class=\"head\" x=\"{PAD_PX}\" y=\"26\">{name}</text>\
         <text class=\"sub left\" x=\"{PAD_PX}\" y=\"44\">{about}</text>{body}</svg>\n"
    )
}

/// What the flow's clauses begin stands beside it, in a column to the right.
fn with_sides(bundle: &Bundle, plan: &Plan, flow: Block) -> Block {
    let (mut svg, mut y, mut column) = (flow.svg, 0, 0);
    let x = flow.width + 2 * GAP_PX;
    for (title, side) in sides(bundle, plan) {
        let part = Part { title, items: outline(bundle, side) };
        let block = Painter { bundle, plan: side }.framed(&part, "side");
        svg.push_str(&moved(&block.svg, x, y));
        y += block.height + PAD_PX;
        column = column.max(block.width);
    }
    if column == 0 {
        return Block { svg, ..flow };
    }
    Block { width: x + column, height: flow.height.max(y - PAD_PX), svg, ends: flow.ends }
}

/// What begins a run, and how many there are.
fn about(bundle: &Bundle, plan: &Plan) -> String {
    let start = start::words(bundle, plan);
    match &plan.key {
        Some(KeyRule { name, mode: KeyMode::Once, .. }) => format!("{start}; once per {name}"),
        Some(KeyRule { name, mode: KeyMode::OneAtATime, .. }) => format!("{start}; one at a time per {name}"),
        Some(KeyRule { name, mode: KeyMode::OneAlive, .. }) => format!("{start}; one alive at a time per {name}"),
        None => start,
    }
}

struct Painter<'a> {
    bundle: &'a Bundle,
    plan: &'a Plan,
}

impl Painter<'_> {
    fn sequence(&self, items: &[Item]) -> Block {
        if items.is_empty() {
            return Block { width: BOX_MIN_PX / 2, height: 0, svg: String::new(), ends: false };
        }
        let blocks: Vec<Block> = items.iter().map(|item| self.item(item)).collect();
        let width = blocks.iter().map(|block| block.width).max().unwrap_or(0);
        let (mut svg, mut y, mut open) = (String::new(), 0, false);
        for block in &blocks {
            if open {
                svg.push_str(&arrow(width / 2, y, y + GAP_PX));
                y += GAP_PX;
            }
            svg.push_str(&moved(&block.svg, (width - block.width) / 2, y));
            y += block.height;
            open = true;
        }
        Block { width, height: y, svg, ends: ends(self.plan, items) }
    }

    fn item(&self, item: &Item) -> Block {
        match item {
            Item::Step(node) => self.step(*node),
            Item::Split { node, arms } => self.split(*node, arms),
            Item::Region { node, body, beside } => self.region(*node, body, beside),
        }
    }

    fn step(&self, id: NodeId) -> Block {
        let Some(node) = self.plan.nodes.get(id.index()) else { return self.sequence(&[]) };
        let class = class_of(&node.kind);
        let (lines, notes) = (wrapped(&node.label), self.notes(id));
        let longest = lines.iter().map(|line| text_px(line)).chain(notes.iter().map(|note| text_px(note) * 6 / 7));
        let width = (longest.max().unwrap_or(0) + 2 * PAD_PX).max(BOX_MIN_PX);
        let height = px(lines.len() + notes.len()) * LINE_PX + PAD_PX;
        let round = if matches!(class, "end" | "bad") { height / 2 } else { 6 };
        let mut svg =
            format!("<rect class=\"{class}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>{}", self.tip(id));
        for (at, line) in lines.iter().chain(&notes).enumerate() {
            let class = if at < lines.len() { "" } else { " class=\"sub\"" };
            let y = px(at + 1) * LINE_PX + 2;
            svg.push_str(&format!("<text{class} x=\"{}\" y=\"{y}\">{}</text>", width / 2, escaped(line)));
        }
        Block { width, height, svg: format!("<g>{svg}</g>"), ends: matches!(class, "end" | "bad") }
    }

    /// What a designer wants to know of a step besides its name.
    fn notes(&self, id: NodeId) -> Vec<String> {
        let Some(node) = self.plan.nodes.get(id.index()) else { return Vec::new() };
        let mut notes = Vec::new();
        if let Some(undo) = undo_of(self.bundle, &node.kind) {
            notes.push(format!("undo {undo}"));
        } else if let NodeKind::Call(call) = &node.kind
            && self.bundle.op(call.op).is_some_and(|op| op.class == OpClass::Irreversible)
        {
            notes.push("can't be undone".to_owned());
        }
        let handed = self.handed_over(&node.kind);
        if !handed.is_empty() {
            notes.push(shortened(&format!("hands over {}", handed.join(", ")), LINE_CHARS + 6));
        }
        let ways_out: Vec<String> = if matches!(node.kind, NodeKind::Fail { .. }) {
            Vec::new()
        } else {
            let deadline = |catch: &&Catch| !matches!(catch, Catch::Exhausted);
            raised(self.bundle, node).iter().filter(deadline).map(|catch| catch_text(self.bundle, catch)).collect()
        };
        if !ways_out.is_empty() {
            notes.push(shortened(&format!("may raise {}", ways_out.join(", ")), LINE_CHARS + 6));
        }
        notes
    }

    /// The resources that a sub-flow is given, by their names here.
    fn handed_over(&self, kind: &NodeKind) -> Vec<&str> {
        let NodeKind::RunFlow(run) = kind else { return Vec::new() };
        let takes = self.bundle.flow(run.flow).map_or(&[][..], |flow| flow.signature.takes.as_slice());
        let name = |take: &crate::Take| {
            let code = run.args.get(usize::from(take.param))?;
            let [crate::Instr::Slot(slot)] = code.ops.as_slice() else { return None };
            let scope = self.plan.scopes.get(slot.scope.index())?;
            Some(scope.slots.get(usize::from(slot.at))?.name.as_str())
        };
        takes.iter().filter_map(name).collect()
    }

    /// A choice: the question, then its arms side by side, then where they come together.
    fn split(&self, node: NodeId, arms: &[Part]) -> Block {
        let head = self.step(node);
        let blocks: Vec<(Vec<String>, Block)> =
            arms.iter().map(|arm| (wrapped(&arm.title), self.sequence(&arm.items))).collect();
        let label_px = blocks.iter().map(|(lines, _)| px(lines.len()) * LINE_PX).max().unwrap_or(0);
        let inner = |(lines, block): &(Vec<String>, Block)| {
            lines.iter().map(|line| text_px(line)).max().unwrap_or(0).max(block.width)
        };
        let arms_px = blocks.iter().map(inner).sum::<u32>() + GAP_PX * px(blocks.len().saturating_sub(1));
        let width = arms_px.max(head.width);
        let top = head.height + GAP_PX / 2;
        let first = top + label_px + GAP_PX;
        let bottom = first + blocks.iter().map(|(_, block)| block.height).max().unwrap_or(0) + GAP_PX / 2;
        let mut svg = moved(&head.svg, (width - head.width) / 2, 0);
        svg.push_str(&line(width / 2, head.height, width / 2, top));
        let mut x = (width - arms_px) / 2;
        for arm in &blocks {
            let middle = x + inner(arm) / 2;
            let (lines, block) = arm;
            svg.push_str(&line(width / 2, top, middle, top));
            for (at, text) in lines.iter().enumerate() {
                let y = top + px(at + 1) * LINE_PX;
                svg.push_str(&format!("<text class=\"arm\" x=\"{middle}\" y=\"{y}\">{}</text>", escaped(text)));
            }
            let from = if lines.is_empty() { top } else { top + px(lines.len()) * LINE_PX + 5 };
            if block.height > 0 {
                svg.push_str(&arrow(middle, from, first));
                svg.push_str(&moved(&block.svg, middle - block.width / 2, first));
            }
            if !block.ends {
                let from = if block.height > 0 { first + block.height } else { from };
                svg.push_str(&line(middle, from, middle, bottom));
                svg.push_str(&line(middle, bottom, width / 2, bottom));
            }
            x += inner(arm) + GAP_PX;
        }
        let ends = blocks.iter().all(|(_, block)| block.ends);
        Block { width, height: if ends { bottom - GAP_PX / 2 } else { bottom }, svg, ends }
    }

    /// A scope: its bodies side by side, its handlers in a column to the right.
    fn region(&self, id: NodeId, body: &[Part], beside: &[Part]) -> Block {
        let label = self.plan.nodes.get(id.index()).map_or("", |node| node.label.as_str());
        let (mut svg, mut x, mut height) = (String::new(), PAD_PX, 0);
        let top = LINE_PX + PAD_PX;
        let titled = body.iter().any(|part| !part.title.is_empty());
        for part in body {
            let block = if titled { self.framed(part, "scope") } else { self.sequence(&part.items) };
            svg.push_str(&moved(&block.svg, x, top));
            x += block.width + PAD_PX;
            height = height.max(block.height);
        }
        let (mut y, mut column) = (top, 0);
        for part in beside {
            let block = self.framed(part, "side");
            svg.push_str(&moved(&block.svg, x, y));
            y += block.height + PAD_PX;
            column = column.max(block.width);
        }
        if column > 0 {
            x += column + PAD_PX;
            height = height.max(y - top - PAD_PX);
        }
        let width = x.max(title_px(label) + 2 * PAD_PX);
        let height = top + height + PAD_PX;
        let frame = frame("scope", width, height, label);
        Block { width, height, svg: format!("<g>{frame}{}{svg}</g>", self.tip(id)), ends: false }
    }

    /// A titled part in a box of its own.
    fn framed(&self, part: &Part, class: &str) -> Block {
        let block = self.sequence(&part.items);
        let top = LINE_PX + PAD_PX;
        let title = shortened(&part.title, LINE_CHARS + 8);
        let width = (block.width + 2 * PAD_PX).max(title_px(&title) + 2 * PAD_PX);
        let height = top + block.height + PAD_PX;
        let inside = moved(&block.svg, (width - block.width) / 2, top);
        Block { width, height, svg: format!("{}{inside}", frame(class, width, height, &title)), ends: false }
    }

    /// Where the node stands in the source, shown by the viewer when the pointer rests on it.
    fn tip(&self, id: NodeId) -> String {
        let span = self.plan.nodes.get(id.index()).and_then(|node| self.bundle.spans.get(node.span.index()));
        let file = span.and_then(|span| self.bundle.files.get(span.file as usize));
        match (span, file) {
            (Some(span), Some(file)) => format!("<title>{}:{}</title>", escaped(&file.path), span.line),
            (Some(_) | None, _) => String::new(),
        }
    }
}

fn class_of(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Call(_) | NodeKind::RunFlow(_) | NodeKind::Emit { .. } => "box",
        NodeKind::Await(_) | NodeKind::Wait { .. } => "wait",
        NodeKind::Choose { .. } => "pick",
        NodeKind::Stop { .. } | NodeKind::Give { .. } => "end",
        NodeKind::Fail { .. } => "bad",
        NodeKind::Let { .. }
        | NodeKind::Status { .. }
        | NodeKind::PointOfNoReturn
        | NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Each(_)
        | NodeKind::Repeat { .. } => "mark",
    }
}

fn frame(class: &str, width: u32, height: u32, title: &str) -> String {
    format!(
        "<rect class=\"{class}\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>\
         <text class=\"head\" x=\"{PAD_PX}\" y=\"20\">{}</text>",
        escaped(title)
    )
}

fn moved(svg: &str, x: u32, y: u32) -> String {
    format!("<g transform=\"translate({x} {y})\">{svg}</g>")
}

fn line(x1: u32, y1: u32, x2: u32, y2: u32) -> String {
    format!("<path class=\"line\" d=\"M{x1} {y1}L{x2} {y2}\"/>")
}

fn arrow(x: u32, from: u32, to: u32) -> String {
    let tip = to.saturating_sub(6);
    format!(
        "{}<path class=\"tip\" d=\"M{} {tip}L{} {tip}L{x} {to}Z\"/>",
        line(x, from, x, tip),
        x.saturating_sub(4),
        x + 4
    )
}

/// Lines of at most [`LINE_CHARS`], broken at spaces where there are some.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = shortened(word, LINE_CHARS);
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < LINE_CHARS => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(_) | None => lines.push(word),
        }
    }
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines
}

fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no place for them.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn text_px(text: &str) -> u32 {
    px(text.chars().count()) * CHAR_PX
}

fn title_px(text: &str) -> u32 {
    px(text.chars().count()) * TITLE_CHAR_PX
}

fn px(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX / 64)
}
