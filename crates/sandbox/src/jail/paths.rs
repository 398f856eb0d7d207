//! Landlock: what a worker may do with the files that its own root shows, said a second time, by a
//! mechanism that shares nothing with mounts and users.

use std::fmt;
use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    Scope, path_beneath_rules,
};

use crate::protocol::{Failure, Step};

/// The newest rules that are used; a kernel that knows fewer keeps those that it knows. Version 6:
/// Linux 6.12, the first that keeps signals and abstract sockets within a domain.
const RULES: ABI = ABI::V6;

/// What a worker may write to: its own files, and the devices that everybody may.
const WRITABLE: [&str; 2] = ["/tmp", "/dev"];

/// The rules of one jail, not yet in force.
pub(crate) struct Rules(RulesetCreated);

impl Rules {
    /// Reading everywhere, writing where it must be, and no signal or socket out of the jail.
    ///
    /// # Errors
    /// When landlock fails though the kernel has it.
    pub(super) fn new() -> Result<Self, Failure> {
        Self::made(&["/"], &WRITABLE).map(Self).map_err(|error| failure(&error))
    }

    fn made(readable: &[&str], writable: &[&str]) -> Result<RulesetCreated, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(RULES))?
            .scope(Scope::from_all(RULES))?
            .create()?
            .add_rules(path_beneath_rules(readable, AccessFs::from_read(RULES)))?
            .add_rules(path_beneath_rules(writable, AccessFs::from_all(RULES)))
    }

    /// Puts them in force, for this process and all that come from it. Needs `no_new_privs`.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn restrict(&self) -> Result<(), Failure> {
        let rules = self.0.try_clone().step("dup(landlock)")?;
        rules.restrict_self().map_err(|error| failure(&error))?;
        Ok(())
    }

    /// By which another process can put them in force; `None` where the kernel has no landlock.
    ///
    /// # Errors
    /// Those of `dup`.
    pub(crate) fn descriptor(&self) -> Result<Option<OwnedFd>, Failure> {
        Ok(self.0.try_clone().step("dup(landlock)")?.into())
    }
}

fn failure(error: &impl fmt::Display) -> Failure {
    Failure { step: format!("landlock: {error}"), errno: libc::EINVAL }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs::{self, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
    use std::path::Path;
    use std::process::{Child, Command};

    use landlock::RulesetStatus;
    use rustix::process::{Pid, Signal};
    use tempfile::TempDir;

    /// Runs `attempt` in a thread of its own, which these rules and nothing else lock in, and which
    /// is told how much of them the kernel knows; `None` where it knows none.
    fn alone<T: Send>(
        readable: &[&Path],
        writable: &[&Path],
        attempt: impl FnOnce(RulesetStatus) -> T + Send,
    ) -> Option<T> {
        let attempts = || {
            rustix::thread::set_no_new_privs(true).unwrap();
            let texts =
                [readable, writable].map(|paths| paths.iter().map(|path| path.to_str().unwrap()));
            let [readable, writable] = texts.map(Iterator::collect::<Vec<_>>);
            let status =
                Rules::made(&readable, &writable).unwrap().restrict_self().unwrap().ruleset;
            (status != RulesetStatus::NotEnforced).then(|| attempt(status))
        };
        let done = std::thread::scope(|scope| scope.spawn(attempts).join().unwrap());
        if done.is_none() {
            eprintln!("skipped: this kernel has no landlock");
        }
        done
    }

    #[test]
    fn landlock_alone_refuses_every_change_but_where_it_may_be() {
        let (inside, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (inside, outside) = (inside.path(), outside.path());
        for folder in [inside, outside] {
            for name in ["file", "other"] {
                fs::write(folder.join(name), "text").unwrap();
            }
            fs::create_dir(folder.join("empty")).unwrap();
        }
        type Change = fn(&Path) -> io::Result<()>;
        #[rustfmt::skip]
        let changes: [(&str, Change); 9] = [
            ("create",        |at| fs::write(at.join("new"), "x")),
            ("append",        |at| OpenOptions::new().append(true).open(at.join("file")).map(drop)),
            ("make a folder", |at| fs::create_dir(at.join("folder"))),
            ("link",          |at| symlink("/", at.join("link"))),
            ("make a socket", |at| UnixListener::bind(at.join("socket")).map(drop)),
            ("rename",        |at| fs::rename(at.join("other"), at.join("renamed"))),
            ("name anew",     |at| fs::hard_link(at.join("file"), at.join("again"))),
            ("remove",        |at| fs::remove_file(at.join("file"))),
            ("remove folder", |at| fs::remove_dir(at.join("empty"))),
        ];
        alone(&[Path::new("/")], &[inside], |_| {
            for (what, change) in changes {
                change(inside).unwrap_or_else(|error| panic!("{what}: {error}"));
                let refused = change(outside).map_err(|error| error.kind());
                assert_eq!(refused, Err(ErrorKind::PermissionDenied), "{what}");
            }
            assert_eq!(fs::read(outside.join("file")).unwrap(), b"text");
            fs::rename(inside.join("again"), outside.join("moved")).unwrap_err();
        });
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"text");
        assert_eq!(fs::read_dir(outside).unwrap().count(), 3);
    }

    #[test]
    fn landlock_alone_refuses_reading_but_where_it_may_be() {
        let (inside, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        for folder in [inside.path(), outside.path()] {
            fs::write(folder.join("file"), "text").unwrap();
        }
        alone(&[inside.path()], &[], |_| {
            assert_eq!(fs::read(inside.path().join("file")).unwrap(), b"text");
            let denied = ErrorKind::PermissionDenied;
            assert_eq!(fs::read(outside.path().join("file")).unwrap_err().kind(), denied);
            assert_eq!(fs::read_dir(outside.path()).unwrap_err().kind(), denied);
            fs::write(inside.path().join("file"), "x").unwrap_err();
        });
    }

    /// Ends with the test, however that one ends.
    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn landlock_alone_refuses_signals_and_abstract_sockets_out_of_its_domain() {
        let sleeper = Sleeper(Command::new("sleep").arg("600").spawn().unwrap());
        let pid = Pid::from_child(&sleeper.0);
        let name = SocketAddr::from_abstract_name(format!("portcullis-{}", pid.as_raw_nonzero()));
        let name = name.unwrap();
        let _listener = UnixListener::bind_addr(&name).unwrap();
        let tried = alone(&[Path::new("/")], &[], |status| {
            let signalled = rustix::process::kill_process(pid, Signal::TERM);
            (status, signalled, UnixStream::connect_addr(&name).map(drop))
        });
        match tried {
            Some((RulesetStatus::FullyEnforced, signalled, connected)) => {
                assert_eq!(signalled, Err(rustix::io::Errno::PERM));
                assert_eq!(connected.unwrap_err().kind(), ErrorKind::PermissionDenied);
            }
            Some(_) => eprintln!("skipped: this kernel's landlock is older than version 6"),
            None => {}
        }
    }
}
