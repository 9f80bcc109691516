//! Messages that a live session read out of a board's memory, and that the board sent as well: they count once.

use crate::engine::examine::{Examined, ExaminedFile};
use crate::formats::recording::UNSENT;
use crate::model::device_message::DeviceMessage;
use std::collections::BTreeMap;

/// What devices sent by themselves, by boot and uptime; empty where nothing was read out of a memory.
pub(super) struct SentToo<'m> {
    examined: &'m Examined,
    sent: BTreeMap<(Option<u64>, Option<u64>), Vec<&'m DeviceMessage>>,
}

impl<'m> SentToo<'m> {
    pub(super) fn new(examined: &'m Examined) -> Self {
        let mut sent: BTreeMap<_, Vec<_>> = BTreeMap::new();
        if examined.files.iter().any(|file| is_pulled(examined, file)) {
            let files = examined.files.iter();
            let others = files.filter(|file| !is_pulled(examined, file));
            for message in others.flat_map(|file| &file.scan.messages) {
                sent.entry(moment(message)).or_default().push(message);
            }
        }
        Self { examined, sent }
    }

    /// True for a message of a memory that was sent, too.
    pub(super) fn has(&self, file: &ExaminedFile, message: &DeviceMessage) -> bool {
        let same = self.sent.get(&moment(message));
        is_pulled(self.examined, file)
            && same.is_some_and(|sent| {
                let mut sent = sent.iter();
                sent.any(|other| other.sender == message.sender && other.body == message.body)
            })
    }
}

fn moment(message: &DeviceMessage) -> (Option<u64>, Option<u64>) {
    (message.sender.boot, message.sender.uptime_ms)
}

fn is_pulled(examined: &Examined, file: &ExaminedFile) -> bool {
    let manifest = examined.manifest.as_ref();
    let said = manifest.and_then(|manifest| manifest.file(&file.input.path));
    said.is_some_and(|said| said.kind.as_deref() == Some(UNSENT))
}
