//! Files of an author that a command changes: whole, or not at all.
use std::{fs, io::Write, path::Path};

use crate::exit::Failure;

/// Gives a file another text. A crash or a full disk leaves the old one as it was.
///
/// # Errors
/// When the folder can't be written.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // A link is followed: the file it names changes.
    let target = fs::canonicalize(path).map_err(|cause| Failure::of_io("read", path.display(), &cause))?;
    let new = target.with_extension("flow.new");
    let written = fs::File::create(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(&target)?.permissions())?;
        file.sync_all()?;
        fs::rename(&new, &target)
    });
    written.map_err(|cause| {
        // What is left of the attempt is of no use to anybody.
        let _ = fs::remove_file(&new);
        Failure::of_io("write", path.display(), &cause)
    })
}
