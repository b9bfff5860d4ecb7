//! Tables for people: columns as wide as they need to be, numbers to the right.

/// A table under a title.
#[derive(Debug, Default)]
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a head row.
    pub(crate) fn new<'h>(title: &str, head: impl IntoIterator<Item = &'h str>) -> Self {
        Self { title: title.to_owned(), rows: vec![head.into_iter().map(str::to_owned).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> &mut Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// Whether it has no rows below its head.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The text, with a newline at its end.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| {
            self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = format!("{}\n", self.title);
        for row in &self.rows {
            let mut line = String::from(" ");
            for (cell, width) in row.iter().zip(&widths) {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                let number = cell.starts_with(|c: char| c.is_ascii_digit());
                let (before, after) = if number { (gap.as_str(), "") } else { ("", gap.as_str()) };
                line.push_str(&format!(" {before}{cell}{after} "));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A count with its thousands apart: `12,345`.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_right() {
        let mut table = Table::new("Runs", ["flow", "runs"]);
        table.row(["ship_order".to_owned(), number(1_234)]).row(["é".to_owned(), number(7)]);
        insta::assert_snapshot!(table.render(), @r"
        Runs
          flow        runs
          ship_order  1,234
          é               7
        ");
    }
}
