//! Who a worker is: a user of its own where the server may choose one, and no right of any kind.

use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::protocol::{Failure, Step};

/// Number that no capability has yet: 41 are there in Linux 6.18, and a set has 64 bits.
const CAPABILITIES_MAX: u32 = 64;

/// Gives up every right. `user` becomes the user and the group.
pub(super) fn become_user(user: Option<u32>) -> Result<(), Failure> {
    // First, since it needs a capability itself: no program that is executed gets any.
    for capability in 0..CAPABILITIES_MAX {
        match rustix::thread::remove_capability_from_bounding_set(numbered(capability)) {
            Err(rustix::io::Errno::INVAL) => break, // past the last one that this kernel knows
            dropped => dropped.step("prctl(PR_CAPBSET_DROP)")?,
        }
    }
    rustix::thread::clear_ambient_capability_set().step("prctl(PR_CAP_AMBIENT)")?;
    if let Some(id) = user {
        let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
        // Groups before the user, who may not change them.
        rustix::thread::set_thread_groups(&[]).step("setgroups")?;
        rustix::thread::set_thread_res_gid(gid, gid, gid).step("setresgid")?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).step("setresuid")?;
    }
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).step("capset")
}

fn numbered(capability: u32) -> CapabilitySet {
    CapabilitySet::from_bits_retain(1 << capability)
}
