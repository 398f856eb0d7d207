//! A jail's files: a root of its own that shows the system's programs and libraries, the runtime
//! and the code, all read-only, and a `/tmp`; nothing else of the host.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags,
};

use crate::protocol::{Failure, HostView, Jail, Step};

/// Folders of programs and libraries; on many systems all but the first are links into it.
pub(crate) const SYSTEM: [&str; 7] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What programs need of the system's configuration: where libraries are, and which of several
/// programs of one name is meant (Debian).
const SETTINGS: [&str; 2] = ["/etc/ld.so.cache", "/etc/alternatives"];

/// Devices that hold nothing of anybody.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Links that programs expect in `/dev`.
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Folders that are there even if they are empty.
const FOLDERS: [&str; 7] = ["/proc", "/dev", "/tmp", "/etc", "/opt", "/var/task", "/var/runtime"];

/// Where the new root lies until it is the root. Only a place that surely exists.
const STEPPING_STONE: &str = "/proc";

/// Size of the root itself, which holds folders and a few short files.
const ROOT_BYTES: &str = "1m";

/// Bytes of `/tmp` for each file that it may hold: a page.
const BYTES_A_FILE: u64 = 4096;

/// A copy of something of the host, not attached anywhere yet, and where it comes in the jail.
struct View {
    tree: OwnedFd,
    inside: PathBuf,
}

/// Whether `/proc` is there: it shows the processes of the pid namespace of whoever mounts it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Processes {
    /// Those of the jail.
    Shown,
    /// None: whoever enters has no pid namespace of its own.
    Hidden,
}

/// Gives this process a root of its own.
pub(super) fn enter_root(jail: &Jail, processes: Processes) -> Result<(), Failure> {
    // First: nothing that is mounted from here on may show up on the host.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).step("mount(MS_PRIVATE)")?;
    // Before the new root covers anything of the host.
    let views = views(jail)?;
    let root = new_file_system("tmpfs", &[("size", ROOT_BYTES), ("mode", "0755")], WITHOUT_RIGHTS)?;
    // `pivot_root` wants a root that is mounted somewhere.
    move_mount(&root, CWD, Path::new(STEPPING_STONE))?;
    furnish(&root, jail)?;
    if processes == Processes::Shown {
        show_processes(&root)?;
    }
    for view in &views {
        place(&root, view)?;
    }
    become_root(&root)
}

/// Makes `root` the root, and takes the host's away.
fn become_root(root: &OwnedFd) -> Result<(), Failure> {
    rustix::process::fchdir(root).step("fchdir")?;
    // With both names the same, the old root comes to lie over the new one (pivot_root(2)).
    rustix::process::pivot_root(".", ".").step("pivot_root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).step("umount(old root)")?;
    rustix::process::chdir("/").step("chdir(/)")?;
    // Last: until here the root itself had to be written.
    let flags = libc::AT_EMPTY_PATH.cast_unsigned();
    set_attributes(root, flags, libc::MOUNT_ATTR_RDONLY).step("mount_setattr(/)")
}

/// Flags of every mount but for the devices.
const WITHOUT_RIGHTS: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Everything of the host that the jail shows.
fn views(jail: &Jail) -> Result<Vec<View>, Failure> {
    let mut views = Vec::new();
    for folder in SYSTEM.iter().map(Path::new).filter(|folder| is_folder(folder)) {
        views.push(read_only(folder, folder)?);
    }
    for setting in SETTINGS.iter().map(Path::new).filter(|setting| setting.exists()) {
        views.push(read_only(setting, setting)?);
    }
    for device in DEVICES.map(Path::new) {
        views.push(View { tree: copy(device)?, inside: device.to_owned() });
    }
    for HostView { host, inside } in &jail.views {
        let (host, inside) = (Path::new(host), Path::new(inside));
        if !SYSTEM.iter().any(|folder| inside.starts_with(folder)) {
            views.push(read_only(host, inside)?);
        }
    }
    Ok(views)
}

/// Whether this is a folder itself, not a link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| data.is_dir())
}

/// A copy that nobody can write to, not even through another mount below it.
fn read_only(host: &Path, inside: &Path) -> Result<View, Failure> {
    let tree = copy(host)?;
    let flags = (libc::AT_EMPTY_PATH | libc::AT_RECURSIVE).cast_unsigned();
    let attributes = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    set_attributes(&tree, flags, attributes).step(on("mount_setattr", host))?;
    Ok(View { tree, inside: inside.to_owned() })
}

fn copy(host: &Path) -> Result<OwnedFd, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, host, flags).step(on("open_tree", host))
}

/// Adds attributes to a mount.
#[expect(unsafe_code, reason = "rustix has no mount_setattr")]
fn set_attributes(mount: &impl AsRawFd, flags: libc::c_uint, attributes: u64) -> io::Result<()> {
    let change =
        libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let (path, change) = ((c"" as &CStr).as_ptr(), &raw const change);
    let size = size_of::<libc::mount_attr>();
    // SAFETY: the kernel reads the empty path and `size` bytes of `change`, which outlive the call.
    let call = libc::SYS_mount_setattr;
    match unsafe { libc::syscall(call, mount.as_raw_fd(), path, flags, change, size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A new file system, not attached anywhere yet.
fn new_file_system(
    kind: &str,
    settings: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Failure> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC);
    let context = context.step(format!("fsopen({kind})"))?;
    for (name, value) in settings {
        rustix::mount::fsconfig_set_string(context.as_fd(), *name, *value)
            .step(format!("fsconfig({kind}, {name})"))?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).step(format!("fsconfig({kind})"))?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .step(format!("fsmount({kind})"))
}

fn move_mount(tree: &OwnedFd, to: impl AsFd, place: &Path) -> Result<(), Failure> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(tree, "", to, place, flags).step(on("move_mount", place))
}

/// What the root holds by itself.
fn furnish(root: &OwnedFd, jail: &Jail) -> Result<(), Failure> {
    for folder in FOLDERS.map(Path::new) {
        make_folder(root, folder)?;
    }
    for link in SYSTEM.iter().map(Path::new) {
        if let Ok(target) = fs::read_link(link) {
            rustix::fs::symlinkat(&target, root, relative(link)).step(on("symlink", link))?;
        }
    }
    for (name, target) in DEVICE_LINKS {
        let link = Path::new("dev").join(name);
        rustix::fs::symlinkat(target, root, &link).step(on("symlink", &link))?;
    }
    for (path, text) in settings(jail.user) {
        write(root, Path::new(path), &text)?;
    }
    let (bytes, files) = (jail.tmp_bytes, jail.tmp_bytes / BYTES_A_FILE);
    let tmp = [("size", &*bytes.to_string()), ("nr_inodes", &*files.to_string()), ("mode", "1777")];
    move_mount(&new_file_system("tmpfs", &tmp, WITHOUT_RIGHTS)?, root, Path::new("tmp"))
}

/// Mounts `/proc`, in which nothing can be set.
fn show_processes(root: &OwnedFd) -> Result<(), Failure> {
    let attributes = WITHOUT_RIGHTS.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
    let attributes = attributes.union(MountAttrFlags::MOUNT_ATTR_RDONLY);
    move_mount(&new_file_system("proc", &[], attributes)?, root, Path::new("proc"))
}

/// The files below `/etc`: who the worker is, and that there is no network.
fn settings(user: Option<u32>) -> [(&'static str, String); 5] {
    let id = user.unwrap_or_else(|| rustix::process::getuid().as_raw());
    [
        (
            "etc/passwd",
            format!("root:x:0:0::/:/sbin/nologin\nsandbox:x:{id}:{id}::/tmp:/sbin/nologin\n"),
        ),
        ("etc/group", format!("root:x:0:\nsandbox:x:{id}:\n")),
        ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
        ("etc/resolv.conf", String::new()),
    ]
}

fn write(root: &OwnedFd, path: &Path, text: &str) -> Result<(), Failure> {
    let file = make_file(root, path)?;
    rustix::io::write(&file, text.as_bytes()).step(on("write", path))?;
    Ok(())
}

fn make_file(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Failure> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    rustix::fs::openat(root, relative(path), flags, Mode::from_raw_mode(0o644))
        .step(on("create", path))
}

/// Attaches a view, at a folder or file of its own kind that is made for it.
fn place(root: &OwnedFd, view: &View) -> Result<(), Failure> {
    let View { tree, inside } = view;
    let kind = rustix::fs::fstat(tree).step(on("fstat", inside))?.st_mode;
    if FileType::from_raw_mode(kind) == FileType::Directory {
        make_folder(root, inside)?;
    } else {
        make_file(root, inside)?;
    }
    move_mount(tree, root, &relative(inside))
}

/// Makes a folder and those above it. What is there already may be read-only.
fn make_folder(root: &OwnedFd, path: &Path) -> Result<(), Failure> {
    let mut folder = PathBuf::new();
    for part in relative(path).components() {
        folder.push(part);
        match rustix::fs::mkdirat(root, &folder, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).step(on("mkdir", &folder)),
        }
    }
    Ok(())
}

/// The same path from the root's descriptor on: it must not lead through the host's root.
fn relative(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn on(call: &str, path: &Path) -> String {
    format!("{call}({})", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn no_path_leads_out_of_the_root() {
        for (path, want) in [
            ("/usr/lib", "usr/lib"), ("usr", "usr"), ("/", ""), ("/a/../../b", "a/b"), ("//a/./b/", "a/b"),
        ] {
            assert_eq!(relative(Path::new(path)), Path::new(want));
        }
    }
}
