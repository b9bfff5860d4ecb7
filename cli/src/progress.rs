//! Progress on a terminal; nothing anywhere else.
use std::{io::IsTerminal, time::Duration};

use flowline_engine::Watch;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{args::Global, out};

/// A bar, if anybody looks.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar over so many units.
    pub(crate) fn bar(global: Global, total: u64, what: &'static str) -> Self {
        Self::shown(global, || {
            let style = ProgressStyle::with_template("{msg} [{bar:32}] {percent:>3} %  {elapsed}");
            let bar = ProgressBar::new(total).with_message(what);
            style.map_or(bar.clone(), |style| bar.with_style(style))
        })
    }

    /// Something whose length isn't known.
    pub(crate) fn spinner(global: Global, what: &'static str) -> Self {
        Self::shown(global, || ProgressBar::new_spinner().with_message(what))
    }

    fn shown(global: Global, bar: impl FnOnce() -> ProgressBar) -> Self {
        let anybody = !global.quiet && std::io::stderr().is_terminal();
        Self(anybody.then(|| {
            let bar = bar();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        }))
    }

    /// Says something on stderr without tearing the bar.
    pub(crate) fn tell(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| out::tell(text)),
            None => out::tell(text),
        }
    }

    /// So far.
    pub(crate) fn at(&self, position: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(position);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn progress(&mut self, records: u64) {
        self.at(records);
    }
}
