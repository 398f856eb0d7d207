//! The folders of code that a template names, as zips: the same bytes for the same files, always.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{self, Cursor, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::DeployError;

/// The bucket of what lies on the disk, in the addresses that the translator is given.
const LOCAL: &str = "portcullis.local";

/// Most that a folder of code may have in its files, in bytes: what a function's may unpack to.
const FOLDER_BYTES_MAX: u64 = 262_144_000;

/// One zip, and the address that stands for it in the translated template. The address tells of the
/// content, so that changed code is a changed property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    zip: Vec<u8>,
    key: String,
}

/// The zips of a template, by the text that names them there.
#[derive(Clone, Debug, Default)]
pub struct Artifacts(BTreeMap<String, Artifact>);

impl Artifacts {
    /// Packs every place, relative to the template's folder: a folder, a zip, or a file alone.
    ///
    /// # Errors
    /// [`DeployError::File`] naming what cannot be read.
    pub fn pack(folder: &Path, places: &[String]) -> Result<Self, DeployError> {
        let packed = places.iter().map(|place| {
            let zip = pack(&folder.join(place))?;
            let key = format!("{}/{}", digest(&zip), place.trim_matches('/'));
            Ok((place.clone(), Artifact { zip, key }))
        });
        packed.collect::<Result<_, _>>().map(Self)
    }

    /// `s3://…` of each place.
    pub(crate) fn addresses(&self) -> BTreeMap<&str, String> {
        let address = |artifact: &Artifact| format!("s3://{LOCAL}/{}", artifact.key);
        self.0.iter().map(|(place, artifact)| (place.as_str(), address(artifact))).collect()
    }

    /// The zip at an address; none when it is not one of these.
    pub(crate) fn zip(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        let found = self.0.values().find(|artifact| bucket == LOCAL && artifact.key == key);
        found.map(|artifact| artifact.zip.as_slice())
    }
}

/// SHA-256 as hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn pack(place: &Path) -> Result<Vec<u8>, DeployError> {
    let kind = fs::metadata(place).map_err(failed(place))?;
    if kind.is_dir() {
        let mut files = Files::default();
        files.collect(place, "")?;
        let read = files.found.iter().map(|(name, path)| {
            Ok((name.as_str(), fs::read(path).map_err(failed(path))?, is_program(path)?))
        });
        return zip_of(read.collect::<Result<Vec<_>, DeployError>>()?);
    }
    Files::default().count(place, &kind)?;
    let content = fs::read(place).map_err(failed(place))?;
    if content.starts_with(b"PK\x03\x04") {
        return Ok(content);
    }
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned());
    zip_of([(name.as_deref().unwrap_or_default(), content, is_program(place)?)])
}

/// A zip of these files: name, content, and whether it is a program.
pub(crate) fn zip_of<'a>(
    files: impl IntoIterator<Item = (&'a str, Vec<u8>, bool)>,
) -> Result<Vec<u8>, DeployError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, program) in files {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(if program { 0o755 } else { 0o644 });
        archive.start_file(name, options)?;
        archive.write_all(&content).map_err(zip::result::ZipError::from)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Every file below a folder by its name in the zip; links are followed, as `sam build` does.
#[derive(Default)]
struct Files {
    found: BTreeMap<String, PathBuf>,
    bytes: u64,
    /// The folders that the present one is in, without links.
    above: Vec<PathBuf>,
}

impl Files {
    fn collect(&mut self, folder: &Path, prefix: &str) -> Result<(), DeployError> {
        let real = folder.canonicalize().map_err(failed(folder))?;
        if self.above.contains(&real) {
            return Err(failed(folder)(io::Error::other("a link leads to a folder that it is in")));
        }
        self.above.push(real);
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = format!("{prefix}{}", name.unwrap_or_default());
            let kind = fs::metadata(&path).map_err(failed(&path))?;
            if !kind.is_dir() {
                self.count(&path, &kind)?;
                self.found.insert(name, path);
            } else if !name.ends_with("__pycache__") {
                self.collect(&path, &format!("{name}/"))?;
            }
        }
        self.above.pop();
        Ok(())
    }

    /// Refuses what is no file, as reading a pipe may never end, and what no function can have.
    fn count(&mut self, path: &Path, kind: &fs::Metadata) -> Result<(), DeployError> {
        if !kind.is_file() {
            return Err(failed(path)(io::Error::other("it is neither a file nor a folder")));
        }
        self.bytes = self.bytes.saturating_add(kind.len());
        if self.bytes > FOLDER_BYTES_MAX {
            let why = format!("the code is larger than {FOLDER_BYTES_MAX} bytes");
            return Err(failed(path)(io::Error::other(why)));
        }
        Ok(())
    }
}

fn is_program(path: &Path) -> Result<bool, DeployError> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path).map_err(failed(path))?.permissions().mode() & 0o100 != 0)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> DeployError + use<> {
    let path = path.display().to_string();
    move |source| DeployError::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::{fs::symlink, net::UnixListener},
    };

    use super::Artifacts;

    #[test]
    fn the_same_files_are_the_same_zip_and_other_ones_are_not() {
        let packed = |files: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("src/below/__pycache__")).unwrap();
            // What an interpreter leaves is another each time.
            let left = folder.path().to_string_lossy().into_owned();
            fs::write(folder.path().join("src/below/__pycache__/x.pyc"), left).unwrap();
            for (name, content) in files {
                fs::write(folder.path().join("src").join(name), content).unwrap();
            }
            let artifacts = Artifacts::pack(folder.path(), &["src/".to_owned()]).unwrap();
            artifacts.addresses()["src/"].clone()
        };
        let one = packed(&[("a.py", "1"), ("below/b.py", "2")]);
        assert_eq!(one, packed(&[("below/b.py", "2"), ("a.py", "1")]));
        assert_ne!(one, packed(&[("a.py", "1"), ("below/b.py", "3")]));
        assert!(one.starts_with("s3://portcullis.local/") && one.ends_with("/src"), "{one}");
    }

    #[test]
    fn what_cannot_be_packed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name);
        for name in ["loop/below", "socket", "large"] {
            fs::create_dir_all(below(name)).unwrap();
        }
        symlink(below("loop"), below("loop/below/up")).unwrap();
        let _listener = UnixListener::bind(below("socket/s")).unwrap();
        fs::File::create(below("large/f")).unwrap().set_len(262_144_001).unwrap();
        for (place, want) in [
            ("nowhere", "nowhere: No such file"),
            ("loop", "below/up: a link leads to a folder that it is in"),
            ("socket", "socket/s: it is neither a file nor a folder"),
            ("large", "large/f: the code is larger than 262144000 bytes"),
            ("large/f", "large/f: the code is larger than 262144000 bytes"),
        ] {
            let error = Artifacts::pack(folder.path(), &[place.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
        }
    }
}
