//! Unpacked packages laid over each other, as a function's layers are in `/opt`.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{make_folders, publish};

/// Makes `dir` of unpacked packages, the lowest first: folders of one name become one, and of
/// anything else the last one counts. It is there afterwards, whole and read-only. Blocking.
///
/// The files are shared with the packages where the file system can do that. As with
/// [`unpack`](super::unpack), a crash leaves no half folder, and `dir` already there counts as done.
///
/// # Errors
/// What the file system says; `dir` is not there then.
pub fn overlay(packages: &[PathBuf], dir: &Path) -> io::Result<()> {
    if dir.exists() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new("."));
    make_folders(parent, 0o700)?;
    let temporary = tempfile::Builder::new().prefix(".unpack-").tempdir_in(parent)?;
    packages.iter().try_for_each(|package| lay(package, temporary.path()))?;
    publish(temporary.path(), dir)
}

/// Lays all that is below `package` over what is below `root`, both real folders. Follows no link.
fn lay(package: &Path, root: &Path) -> io::Result<()> {
    let mut folders = vec![(package.to_owned(), root.to_owned())];
    while let Some((from, onto)) = folders.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), onto.join(entry.file_name()));
            let kind = entry.file_type()?;
            clear(&target, kind.is_dir())?;
            if kind.is_dir() {
                make_folders(&target, 0o755)?;
                folders.push((source, target));
            } else if kind.is_symlink() {
                symlink(fs::read_link(&source)?, &target)?;
            } else {
                share(&source, &target)?;
            }
        }
    }
    Ok(())
}

/// Removes what stands in the way at `target`: a folder is none for another one.
fn clear(target: &Path, for_folder: bool) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(there) if !there.is_dir() => fs::remove_file(target),
        Ok(_) if for_folder => Ok(()),
        Ok(_) => fs::remove_dir_all(target),
    }
}

/// Another name for the file; a copy where there can be none.
fn share(source: &Path, target: &Path) -> io::Result<()> {
    fs::hard_link(source, target).or_else(|_| fs::copy(source, target).map(drop))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::overlay;
    use crate::unpack::remove;

    /// A folder with these files; a text that begins with `->` is a link.
    fn package(dir: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("->") {
                Some(target) => symlink(target, &path).unwrap(),
                None => fs::write(&path, text).unwrap(),
            }
        }
    }

    #[track_caller]
    fn check(packages: &[&[(&str, &str)]], want: &[(&str, &str)]) {
        let root = tempfile::tempdir().unwrap();
        let dirs: Vec<_> = (0..packages.len()).map(|n| root.path().join(n.to_string())).collect();
        for (dir, files) in dirs.iter().zip(packages) {
            package(dir, files);
        }
        let merged = root.path().join("merged");
        overlay(&dirs, &merged).unwrap();
        overlay(&dirs, &merged).unwrap(); // It is there: done.
        for (name, text) in want {
            let path = merged.join(name);
            match text.strip_prefix("->") {
                Some(target) => assert_eq!(fs::read_link(path).unwrap(), Path::new(target)),
                None => assert_eq!(fs::read_to_string(path).unwrap(), *text, "{name}"),
            }
        }
        assert_eq!(fs::metadata(&merged).unwrap().permissions().mode() & 0o777, 0o555);
        remove(&merged).unwrap();
        for (dir, files) in dirs.iter().zip(packages) {
            let whole = files.iter().all(|(name, _)| dir.join(name).symlink_metadata().is_ok());
            assert!(whole, "the packages themselves stay");
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), packages.len());
    }

    #[test]
    #[rustfmt::skip]
    fn folders_become_one_and_the_last_file_counts() {
        check(&[&[("python/a", "1")], &[("python/b", "2"), ("bin/x", "3")]], &[("python/a", "1"), ("python/b", "2"), ("bin/x", "3")]);
        check(&[&[("f", "1"), ("g", "1")], &[("f", "2")]], &[("f", "2"), ("g", "1")]);
    }

    #[test]
    #[rustfmt::skip]
    fn what_is_of_another_kind_is_replaced_whole() {
        check(&[&[("a/b/c", "1")], &[("a", "2")]],                    &[("a", "2")]);
        check(&[&[("a", "1")], &[("a/b", "2")]],                      &[("a/b", "2")]);
        check(&[&[("d/x", "1"), ("a", "->d")], &[("a/y", "2")]],      &[("a/y", "2"), ("d/x", "1")]);
        check(&[&[("a/x", "1"), ("d/x", "1")], &[("a", "->d")]],      &[("a", "->d"), ("d/x", "1")]);
    }
}
