//! Who a worker is: a user of its own where the server may choose one, and no right of any kind.

use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::protocol::{Failure, Step};

/// Number that no capability has yet: 41 are there in Linux 6.18, and a set has 64 bits.
const CAPABILITIES_MAX: u32 = 64;

/// Rights to enter a jail, and to become its user.
const TO_ENTER: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETPCAP);

/// Gives up every right. `user` becomes the user and the group.
pub(super) fn become_user(user: Option<u32>) -> Result<(), Failure> {
    // First, since it needs a capability itself: no program that is executed gets any.
    bound_by(CapabilitySet::empty())?;
    rustix::thread::clear_ambient_capability_set().step("prctl(PR_CAP_AMBIENT)")?;
    if let Some(id) = user {
        let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
        // Groups before the user, who may not change them.
        rustix::thread::set_thread_groups(&[]).step("setgroups")?;
        rustix::thread::set_thread_res_gid(gid, gid, gid).step("setresgid")?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).step("setresuid")?;
    }
    have(CapabilitySet::empty())
}

/// Gives up every right but those to enter jails, which the program gets that is executed.
pub(super) fn keep_rights_to_enter() -> Result<(), Failure> {
    bound_by(TO_ENTER)?;
    have(TO_ENTER)?;
    for capability in TO_ENTER.iter() {
        rustix::thread::configure_capability_in_ambient_set(capability, true)
            .step("prctl(PR_CAP_AMBIENT)")?;
    }
    Ok(())
}

/// No program that is executed gets more than these.
fn bound_by(most: CapabilitySet) -> Result<(), Failure> {
    for capability in (0..CAPABILITIES_MAX).map(numbered) {
        if most.contains(capability) {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Err(rustix::io::Errno::INVAL) => break, // past the last one that this kernel knows
            dropped => dropped.step("prctl(PR_CAPBSET_DROP)")?,
        }
    }
    Ok(())
}

/// Has exactly these, and hands them on to programs that may have them.
fn have(rights: CapabilitySet) -> Result<(), Failure> {
    let rights = CapabilitySets { effective: rights, permitted: rights, inheritable: rights };
    rustix::thread::set_capabilities(None, rights).step("capset")
}

fn numbered(capability: u32) -> CapabilitySet {
    CapabilitySet::from_bits_retain(1 << capability)
}
