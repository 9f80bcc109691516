//! Why a link cannot be used.

/// Why a link could not be opened or does not go on. Each says what it means and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A setting that cannot be.
    #[error("{field}: {why}")]
    Setting {
        /// Id of the field.
        field: &'static str,
        /// What is wrong with it and what it may be.
        why: String,
    },
    /// There is nothing of that name.
    #[error("{what} is not there. Plug the board in, or check the name")]
    NotThere {
        /// Its name.
        what: String,
    },
    /// Somebody else has it.
    #[error("{what} is in use{by}. Close it there and try again", by = holder.as_ref().map(|by| format!(" by {by}")).unwrap_or_default())]
    InUse {
        /// Its name.
        what: String,
        /// The program, where it is known.
        holder: Option<String>,
    },
    /// The system does not allow it.
    #[error("{what} may not be opened: {fix}")]
    NotAllowed {
        /// Its name.
        what: String,
        /// What to do.
        fix: String,
    },
    /// It was there and is no more.
    #[error("{what} is gone: the cable was pulled, or the board was switched off")]
    Gone {
        /// Its name.
        what: String,
    },
    /// Nothing listens at an address.
    #[error(
        "nothing listens at {what}. Start the GDB server (qemu -gdb tcp::1234, openocd, JLinkGDBServer, pyocd gdbserver), or check the port"
    )]
    NobodyListens {
        /// The address.
        what: String,
    },
    /// It is there and does not answer.
    #[error(
        "{what} does not answer ({asked} was asked). Another debugger may hold it; close that one, or restart the server"
    )]
    Silent {
        /// Its name.
        what: String,
        /// What was asked.
        asked: String,
    },
    /// A debug probe that reaches no chip.
    #[error(
        "{what}: no chip answers ({said}). Check that the board has power and that the wires are right; a chip in reset does not answer"
    )]
    NoChip {
        /// The probe.
        what: String,
        /// The words of its driver.
        said: String,
    },
    /// It cannot do that.
    #[error("{what}: {service}")]
    NotOffered {
        /// Its name.
        what: String,
        /// What it cannot do.
        service: String,
    },
    /// Anything else that the system says.
    #[error("{what}: {said}")]
    Failed {
        /// Its name.
        what: String,
        /// The words of the system.
        said: String,
    },
}
