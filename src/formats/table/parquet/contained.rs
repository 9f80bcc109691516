//! Calls of the `parquet` crate, which panics on some damaged files: a panic there is an error of the file, not of ours.

use parquet::errors::ParquetError;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// This thread is in a call whose panic is expected.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Calls the crate and turns a panic into words. The call changes nothing but what it returns.
pub(super) fn contained<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    keep_quiet();
    IS_CONTAINED.set(true);
    let called = catch_unwind(AssertUnwindSafe(call));
    IS_CONTAINED.set(false);
    match called {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_panic) => Err("its bytes contradict each other".to_owned()),
    }
}

/// Lets no contained panic print its message and its backtrace: the user gets the words of the table.
fn keep_quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_CONTAINED.get() {
                usual(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::{IS_CONTAINED, contained};
    use parquet::errors::ParquetError;

    #[test]
    fn a_panic_of_the_crate_is_an_error_in_words() {
        let panicked: Result<(), String> = contained(|| panic!("out of bounds"));
        assert_eq!(panicked.unwrap_err(), "its bytes contradict each other");
        assert!(!IS_CONTAINED.get());
        let failed: Result<(), String> =
            contained(|| Err(ParquetError::General("no page".to_owned())));
        assert!(failed.unwrap_err().contains("no page"));
        assert_eq!(contained(|| Ok(7)), Ok(7));
    }
}
