//! Deployment packages: looks into a zip that anybody may have made, and unpacks it read-only.
//!
//! Nothing that an archive says about itself is believed: sizes are counted while inflating, and
//! every entry's way is checked before anything is written.

mod overlay;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;

pub use overlay::overlay;

/// Most bytes that a package may hold when unpacked. Source: `[doc]` Lambda quotas, deployment
/// package (.zip), 250 MB unzipped, where MB is 1024² bytes.
pub const UNZIPPED_BYTES_MAX: u64 = 262_144_000;

/// Most entries of a package, and most folders. Ours: a large `node_modules` has some 50,000 files; each
/// entry costs some hundred bytes of memory before it can be looked at.
pub const ENTRIES_MAX: usize = 100_000;

/// Longest name of one file or folder in bytes: `NAME_MAX` of Linux.
const NAME_BYTES_MAX: usize = 255;

/// Longest way within the package in bytes: leaves room for the target folder in `PATH_MAX` (4096).
const PATH_BYTES_MAX: usize = 2048;

/// Bytes inflated at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Bits of a Unix mode that tell the kind of file, and the kinds. Source: inode(7).
const KIND_MASK: u32 = 0o170_000;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_FILE: u32 = 0o100_000;
const KIND_LINK: u32 = 0o120_000;

/// What a package holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Files and symbolic links.
    pub files: usize,
    /// Bytes of all files when unpacked.
    pub unzipped_bytes: u64,
}

/// Why a package is refused, or could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// It is not a zip archive, or a damaged one.
    #[error("not a readable zip archive: {0}")]
    Malformed(String),
    /// It holds more than [`UNZIPPED_BYTES_MAX`].
    #[error("the unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes")]
    TooLarge,
    /// It has more than [`ENTRIES_MAX`] entries, or folders.
    #[error("the archive has more than {ENTRIES_MAX} entries")]
    TooManyEntries,
    /// An entry is encrypted.
    #[error("entry {0:?} is encrypted")]
    Encrypted(String),
    /// An entry would lie outside of the package, or has a name that no file can have.
    #[error("entry {0:?} does not name a place within the package")]
    Path(String),
    /// Two entries have the same name, or one is a file and another's folder.
    #[error("entry {0:?} is there more than once")]
    Duplicate(String),
    /// A symbolic link leads out of the package.
    #[error("symbolic link {0:?} leads out of the package")]
    Link(String),
    /// An entry is neither a file, a folder nor a symbolic link.
    #[error("entry {0:?} is neither a file, a folder nor a symbolic link")]
    Kind(String),
    /// The file system failed; the package may be good.
    #[error("cannot write the unpacked package")]
    Io(#[source] io::Error),
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Checks a whole package, without writing anything. Inflates all of it: blocking, CPU-bound.
///
/// # Errors
/// Every reason for which [`unpack`] would refuse it.
pub fn inspect(zip: &[u8]) -> Result<Contents, ZipError> {
    inspect_within(zip, UNZIPPED_BYTES_MAX)
}

fn inspect_within(zip: &[u8], bytes_max: u64) -> Result<Contents, ZipError> {
    let (mut archive, entries) = open(zip)?;
    let mut budget = Budget(bytes_max);
    let mut files = 0;
    for entry in &entries {
        match entry.kind {
            Kind::Folder => continue,
            Kind::File { .. } => budget.copy(entry, &mut archive, &mut io::sink())?,
            Kind::Link => drop(budget.link_target(entry, &mut archive)?),
        }
        files += 1;
    }
    Ok(Contents { files, unzipped_bytes: bytes_max - budget.0 })
}

/// Unpacks a package into `dir`, which is there afterwards, whole and read-only. Blocking.
///
/// Writes into a temporary folder beside `dir` and renames it, so that a crash leaves no half
/// package. `dir` already there counts as done, and so does another call that is faster. Files are
/// not flushed to the disk: after a power loss, `dir` must be unpacked anew.
///
/// # Errors
/// A bad package, or [`ZipError::Io`]; `dir` is not there then.
pub fn unpack(zip: &[u8], dir: &Path) -> Result<(), ZipError> {
    unpack_within(zip, dir, UNZIPPED_BYTES_MAX)
}

fn unpack_within(zip: &[u8], dir: &Path, bytes_max: u64) -> Result<(), ZipError> {
    if dir.exists() {
        return Ok(());
    }
    let (mut archive, entries) = open(zip)?;
    let parent = dir.parent().unwrap_or(Path::new("."));
    make_folders(parent, 0o700).map_err(ZipError::Io)?; // code may hold secrets
    let temporary = tempfile::Builder::new().prefix(".unpack-").tempdir_in(parent);
    let temporary = temporary.map_err(ZipError::Io)?;
    extract(&mut archive, &entries, temporary.path(), Budget(bytes_max))?;
    publish(temporary.path(), dir).map_err(ZipError::Io)
}

/// Removes an unpacked package: its read-only folders would stop `remove_dir_all` for anybody but
/// root. A folder that is not there counts as done. Blocking.
///
/// # Errors
/// What the file system says.
pub fn remove(dir: &Path) -> io::Result<()> {
    match make_writable(dir).and_then(|()| fs::remove_dir_all(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// One entry, with its way checked.
struct Entry {
    index: usize,
    name: String,
    /// Relative, of plain names only.
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Folder,
    File { mode: u32 },
    Link,
}

/// Reads the directory of an archive and checks every entry in it.
fn open(zip: &[u8]) -> Result<(Archive<'_>, Vec<Entry>), ZipError> {
    // Before the directory is read into memory: each of its entries starts with this signature, so
    // there are no more entries than signatures.
    if memchr::memmem::find_iter(zip, b"PK\x01\x02").nth(ENTRIES_MAX).is_some() {
        return Err(ZipError::TooManyEntries);
    }
    let archive = ZipArchive::new(Cursor::new(zip)).map_err(malformed)?;
    if archive.has_duplicate_names() {
        return Err(ZipError::Duplicate("(a name in the directory)".to_owned()));
    }
    let entries = (0..archive.len()).map(|index| entry(&archive, index));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    check_places(&entries)?;
    Ok((archive, entries))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn malformed(error: zip::result::ZipError) -> ZipError {
    ZipError::Malformed(error.to_string())
}

fn entry(archive: &Archive<'_>, index: usize) -> Result<Entry, ZipError> {
    let data = archive.by_index_data(index).map_err(malformed)?;
    let name = data.name().map_err(malformed)?.into_owned();
    if data.encrypted() {
        return Err(ZipError::Encrypted(name));
    }
    let path = path_of(&name).ok_or_else(|| ZipError::Path(name.clone()))?;
    // Archives made elsewhere than on Unix tell no mode: scripts in them shall run.
    let mode = data.unix_mode().unwrap_or(0o755);
    let kind = match mode & KIND_MASK {
        KIND_LINK => Kind::Link,
        KIND_FOLDER => Kind::Folder,
        0 if data.is_dir() => Kind::Folder,
        0 | KIND_FILE if !data.is_dir() => Kind::File { mode },
        _ => return Err(ZipError::Kind(name)),
    };
    Ok(Entry { index, name, path, kind })
}

/// A name as a way within the package: `None` if it leads out of it or cannot be a file's.
fn path_of(name: &str) -> Option<PathBuf> {
    let fits = |part: &OsStr| part.len() <= NAME_BYTES_MAX;
    if name.len() > PATH_BYTES_MAX || name.contains('\0') {
        return None;
    }
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) if fits(part) => path.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!path.as_os_str().is_empty()).then_some(path)
}

/// Each place has one entry (a folder may be named twice), what lies in a folder lies in no file or
/// link, and folders that only their content names count as entries: each takes a block of the disk.
fn check_places(entries: &[Entry]) -> Result<(), ZipError> {
    let mut places: HashMap<&Path, bool> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let folder = matches!(entry.kind, Kind::Folder);
        let before = places.insert(&entry.path, folder);
        if before.is_some_and(|before| !(before && folder)) {
            return Err(ZipError::Duplicate(entry.name.clone()));
        }
    }
    let mut folders = HashSet::new();
    for entry in entries {
        for folder in entry.path.ancestors().skip(1) {
            if !folders.insert(folder) {
                break;
            }
            if folders.len() > ENTRIES_MAX {
                return Err(ZipError::TooManyEntries);
            }
            if places.get(folder) == Some(&false) {
                return Err(ZipError::Duplicate(folder.to_string_lossy().into_owned()));
            }
        }
    }
    Ok(())
}

/// Writes every entry below `root`. Links come last, so that no file is written through one.
fn extract(
    archive: &mut Archive<'_>,
    entries: &[Entry],
    root: &Path,
    mut budget: Budget,
) -> Result<(), ZipError> {
    for entry in entries {
        let path = root.join(&entry.path);
        match entry.kind {
            Kind::Folder => make_folders(&path, 0o755).map_err(ZipError::Io)?,
            Kind::File { mode } => {
                let mut file = create(&path).map_err(ZipError::Io)?;
                budget.copy(entry, archive, &mut file)?;
                // At least readable, at most readable and executable; no set-user-id.
                let mode = Permissions::from_mode((mode | 0o444) & 0o555);
                file.set_permissions(mode).map_err(ZipError::Io)?;
            }
            Kind::Link => {}
        }
    }
    for entry in entries.iter().filter(|entry| matches!(entry.kind, Kind::Link)) {
        let target = budget.link_target(entry, archive)?;
        let path = root.join(&entry.path);
        path.parent().map_or(Ok(()), |folder| make_folders(folder, 0o755)).map_err(ZipError::Io)?;
        symlink(target, &path).map_err(ZipError::Io)?;
    }
    Ok(())
}

fn make_folders(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// A new file, in folders that are made as needed.
fn create(path: &Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), |folder| make_folders(folder, 0o755))?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Bytes that may still be inflated.
struct Budget(u64);

impl Budget {
    /// Inflates an entry; its length counts as it comes, whatever the headers say.
    fn copy(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<'_>,
        output: &mut impl Write,
    ) -> Result<(), ZipError> {
        let mut input = archive.by_index(entry.index).map_err(malformed)?;
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let read = input.read(&mut buffer).map_err(|error| damaged(entry, &error))?;
            if read == 0 {
                return Ok(());
            }
            self.0 = self.0.checked_sub(read as u64).ok_or(ZipError::TooLarge)?;
            output.write_all(buffer.get(..read).unwrap_or_default()).map_err(ZipError::Io)?;
        }
    }

    /// The target of a link, which is the entry's content.
    fn link_target(
        &mut self,
        entry: &Entry,
        archive: &mut Archive<'_>,
    ) -> Result<PathBuf, ZipError> {
        let refused = || ZipError::Link(entry.name.clone());
        let input = archive.by_index(entry.index).map_err(malformed)?;
        let target = read_short(input).map_err(|error| damaged(entry, &error))?;
        let target = target.ok_or_else(refused)?;
        self.0 = self.0.checked_sub(target.len() as u64).ok_or(ZipError::TooLarge)?;
        stays_inside(&target, &entry.path).then(|| PathBuf::from(target)).ok_or_else(refused)
    }
}

fn damaged(entry: &Entry, error: &io::Error) -> ZipError {
    ZipError::Malformed(format!("entry {:?}: {error}", entry.name))
}

/// An entry's text if it is one, and no longer than a way may be.
fn read_short(input: ZipFile<'_, Cursor<&[u8]>>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(PATH_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok().filter(|text| text.len() <= PATH_BYTES_MAX))
}

/// Whether a link at `path` with this target ends within the package, wherever other links lead.
///
/// Only leading `..`, and no more of them than the link lies deep: the folder of a link is a real
/// one. A `..` behind a name could follow another link, from which it may lead anywhere.
fn stays_inside(target: &str, path: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    let mut named = false;
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir if !named && depth > 0 => depth -= 1,
            Component::Normal(_) => named = true,
            Component::CurDir => {}
            _ => return false,
        }
    }
    !target.is_empty() && !target.contains('\0')
}

/// Makes every folder read-only, and puts the whole to its place at once.
fn publish(temporary: &Path, dir: &Path) -> io::Result<()> {
    set_folder_modes(temporary, 0o555)?;
    let renamed = fs::rename(temporary, dir);
    if renamed.is_err() {
        // So that the temporary folder can be removed.
        make_writable(temporary)?;
    }
    match renamed {
        // Another call was faster; it unpacked the same package.
        Err(_) if dir.is_dir() => Ok(()),
        done => done,
    }
}

fn make_writable(dir: &Path) -> io::Result<()> {
    set_folder_modes(dir, 0o755)
}

/// Sets the mode of a folder and all below it. Follows no link.
fn set_folder_modes(root: &Path, mode: u32) -> io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(mode))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
