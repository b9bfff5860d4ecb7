//! Everything that is printed. A reader that has seen enough (`| head`) ends the output, never the program; what can't be
//! told on stderr is not told.
use std::io::{self, Write};

use crate::exit::Failure;

/// Prints to stdout.
///
/// # Errors
/// When stdout can't take it, but for a reader that went away.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    heard(out.write_all(text.as_bytes()).and_then(|()| out.flush())).map(|_| ())
}

/// Prints to stderr.
pub(crate) fn tell(text: &str) {
    let mut out = io::stderr().lock();
    // There is no better place to say that this failed.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"));
}

/// Whether somebody still reads: false after a closed pipe.
///
/// # Errors
/// When stdout fails in another way.
pub(crate) fn heard(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(cause) => Err(Failure::of_io("write", "the output", &cause)),
    }
}
