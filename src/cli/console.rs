//! The console that started the program, on Windows.
//!
//! There a program either is given a console window whenever it starts, or none at all. Ours has none, so that a
//! double-click opens the window alone; started from a console, it has to ask for that one before it prints.

/// Lets what is printed appear in the console that started the program, if one did. What was redirected to a file or a
/// pipe stays so.
#[cfg(not(windows))]
pub fn attach() {}

/// Lets what is printed appear in the console that started the program, if one did. What was redirected to a file or a
/// pipe stays so.
#[cfg(windows)]
pub fn attach() {
    system::attach();
}

#[cfg(windows)]
#[expect(
    unsafe_code,
    reason = "the standard library has no word for consoles; these calls take and give plain handles"
)]
mod system {
    use std::fs::OpenOptions;
    use std::os::windows::io::IntoRawHandle as _;
    use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
    use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_UNKNOWN, GetFileType};
    use windows_sys::Win32::System::Console::{
        ATTACH_PARENT_PROCESS, AttachConsole, GetStdHandle, STD_ERROR_HANDLE, STD_HANDLE,
        STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
    };

    /// The standard handles, and what each is of a console.
    const STREAMS: [(STD_HANDLE, &str); 3] = [
        (STD_INPUT_HANDLE, "CONIN$"),
        (STD_OUTPUT_HANDLE, "CONOUT$"),
        (STD_ERROR_HANDLE, "CONOUT$"),
    ];

    pub(super) fn attach() {
        let redirected = STREAMS.map(|(stream, _)| redirected_to(stream));
        // SAFETY: takes a number and changes this process alone; no other thread runs yet.
        if unsafe { AttachConsole(ATTACH_PARENT_PROCESS) } == 0 {
            return;
        }
        for ((stream, device), redirected) in STREAMS.into_iter().zip(redirected) {
            let handle = redirected.or_else(|| console(device));
            if let Some(handle) = handle {
                // SAFETY: the handle is open, and nobody closes it: the stream owns it from here on.
                let _is_set = unsafe { SetStdHandle(stream, handle) } != 0;
            }
        }
    }

    /// What a stream was given by who started the program: a file, a pipe, a device.
    fn redirected_to(stream: STD_HANDLE) -> Option<HANDLE> {
        // SAFETY: takes a number; answers a handle, or one that is checked here.
        let handle = unsafe { GetStdHandle(stream) };
        if handle.is_null() || handle == INVALID_HANDLE_VALUE {
            return None;
        }
        // SAFETY: of a handle that is not open it answers that its type is unknown.
        (unsafe { GetFileType(handle) } != FILE_TYPE_UNKNOWN).then_some(handle)
    }

    /// The console itself.
    fn console(device: &str) -> Option<HANDLE> {
        let opened = OpenOptions::new().read(true).write(true).open(device);
        opened.ok().map(|file| file.into_raw_handle())
    }
}
