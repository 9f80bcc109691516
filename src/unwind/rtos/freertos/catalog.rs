//! Which kernel objects the program knows by name: global variables that are handles or control blocks, by their types in
//! the debug information, and the queue registry.
//!
//! Handles inside of structures and arrays count too: `uplink.tx_queue`, `locks[2]`.

use super::layout::{Field, Layout};
use super::waits::read_name;
use crate::model::memory::Memory;
use crate::symbols::{
    debug_info::DebugInfo,
    elf_symbols::SymbolKind,
    types::{Bound, TypeKind, TypeRef, Types},
};
use std::collections::BTreeMap;

/// What a handle says that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HandleKind {
    Queue,
    QueueSet,
    Semaphore,
    Timer,
    EventGroup,
    StreamBuffer,
}

/// Typedefs of handles (`queue.h`, `semphr.h`, `timers.h`, `event_groups.h`, `stream_buffer.h`, `message_buffer.h`), with
/// the names from before V8.
const HANDLES: [(&str, HandleKind); 11] = [
    ("EventGroupHandle_t", HandleKind::EventGroup),
    ("MessageBufferHandle_t", HandleKind::StreamBuffer),
    ("QueueHandle_t", HandleKind::Queue),
    ("QueueSetHandle_t", HandleKind::QueueSet),
    ("SemaphoreHandle_t", HandleKind::Semaphore),
    ("StreamBufferHandle_t", HandleKind::StreamBuffer),
    ("TimerHandle_t", HandleKind::Timer),
    ("xQueueHandle", HandleKind::Queue),
    ("xQueueSetHandle", HandleKind::QueueSet),
    ("xSemaphoreHandle", HandleKind::Semaphore),
    ("xTimerHandle", HandleKind::Timer),
];

/// Control blocks that the program provides itself (`FreeRTOS.h`).
const STATIC_BLOCKS: [(&str, HandleKind); 6] = [
    ("StaticEventGroup_t", HandleKind::EventGroup),
    ("StaticMessageBuffer_t", HandleKind::StreamBuffer),
    ("StaticQueue_t", HandleKind::Queue),
    ("StaticSemaphore_t", HandleKind::Semaphore),
    ("StaticStreamBuffer_t", HandleKind::StreamBuffer),
    ("StaticTimer_t", HandleKind::Timer),
];

/// Variables, members and elements that are looked at.
const MAX_VISITS: usize = 50_000;
/// Nesting of structures and arrays.
const DEEPEST: usize = 4;
/// Elements of one array.
const MAX_ELEMENTS: u64 = 64;
/// Names that are read.
const MAX_NAME_BYTES: u64 = 64;

/// One object that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// By the type of the variable; `None` when only the registry knows it.
    pub(super) kind: Option<HandleKind>,
    /// The registry's name, else that of the variable.
    pub(super) name: String,
    is: Is,
}

/// Objects by the address of their control block.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    pub(super) entries: BTreeMap<u64, Entry>,
}

impl Catalog {
    /// Looks through the globals of `info`.
    pub(super) fn read(info: &DebugInfo<'_>, layout: &Layout, memory: &dyn Memory) -> Self {
        let types = Types::new(info);
        let mut finder = Finder {
            types: &types,
            memory,
            pool: Pool::of(info, layout),
            interesting: BTreeMap::new(),
            visits: 0,
            found: Self::default(),
        };
        let objects = info
            .file()
            .symbols()
            .iter()
            .filter(|symbol| symbol.kind == SymbolKind::Object && symbol.size >= 4);
        for symbol in objects {
            let name = plain_name(&symbol.name);
            // Of several variables with one name only one type is known: its size tells whether it can be this one's.
            let ty = types
                .type_of_global(name)
                .filter(|ty| types.size(*ty) == Some(symbol.size));
            if let Some(ty) = ty {
                finder.visit(Some(ty), symbol.address, name, 0);
            }
        }
        let mut catalog = finder.found;
        catalog.add_registry(info, layout, memory);
        catalog
    }

    pub(super) fn name(&self, addr: u64) -> Option<&str> {
        self.entries.get(&addr).map(|entry| entry.name.as_str())
    }

    fn add_registry(&mut self, info: &DebugInfo<'_>, layout: &Layout, memory: &dyn Memory) {
        /// Larger registries are read as far as this.
        const MAX_REGISTERED: u64 = 256;
        let Some(registry) = &layout.registry else {
            return;
        };
        let Some(table) = info.file().symbol("xQueueRegistry") else {
            return;
        };
        let count = table.size.checked_div(registry.size).unwrap_or(0);
        for n in 0..count.min(MAX_REGISTERED) {
            let item = table
                .address
                .saturating_add(n.saturating_mul(registry.size));
            let handle = registry.handle.read(item, memory).unwrap_or(0);
            let name = registry
                .name
                .read(item, memory)
                .filter(|name| *name != 0)
                .and_then(|name| read_name(name, MAX_NAME_BYTES, memory));
            if let (Some(name), true) = (name, handle != 0) {
                let kind = self.entries.get(&handle).and_then(|entry| entry.kind);
                let is = Is::Handle;
                self.entries.insert(handle, Entry { kind, name, is });
            }
        }
    }
}

struct Finder<'t, 'i, 'a> {
    types: &'t Types<'i, 'a>,
    memory: &'t dyn Memory,
    pool: Option<Pool>,
    /// Whether a type is or holds a handle.
    interesting: BTreeMap<TypeRef, bool>,
    visits: usize,
    found: Catalog,
}

impl Finder<'_, '_, '_> {
    fn visit(&mut self, ty: Option<TypeRef>, addr: u64, name: &str, depth: usize) {
        self.visits = self.visits.saturating_add(1);
        let Some(at) = ty else {
            return;
        };
        if self.visits > MAX_VISITS || depth > DEEPEST || !self.is_interesting(at, depth) {
            return;
        }
        match self.handle_kind(at) {
            Some((kind, Is::Handle)) => {
                let held = self.memory.read_u32(addr).map_or(0, u64::from);
                let held = match &self.pool {
                    Some(pool) => pool.object(held, self.memory),
                    None => held,
                };
                if held != 0 {
                    self.add(held, kind, Is::Handle, name);
                }
                return;
            }
            Some((kind, Is::Block)) => return self.add(addr, kind, Is::Block, name),
            None => {}
        }
        let Some((_at, real)) = self.types.real(Some(at)) else {
            return;
        };
        match &real.kind {
            TypeKind::Record { members, .. } => {
                for member in members {
                    let (Some(offset), None) = (member.offset, member.bits) else {
                        continue;
                    };
                    let inner = match &member.name {
                        Some(member) => format!("{name}.{member}"),
                        None => name.to_owned(),
                    };
                    self.visit(member.ty, addr.saturating_add(offset), &inner, depth + 1);
                }
            }
            TypeKind::Array { element, bounds } => {
                let (Some(Bound::Count(count)), Some(size)) =
                    (bounds.first(), element.and_then(|e| self.types.size(e)))
                else {
                    return;
                };
                if bounds.len() > 1 {
                    return;
                }
                for n in 0..(*count).min(MAX_ELEMENTS) {
                    let at = addr.saturating_add(n.saturating_mul(size));
                    self.visit(*element, at, &format!("{name}[{n}]"), depth + 1);
                }
            }
            _ => {}
        }
    }

    /// The first name wins, but one of a handle is better than that of the memory behind it.
    fn add(&mut self, object: u64, kind: HandleKind, is: Is, name: &str) {
        let known = self.found.entries.get(&object).map(|entry| entry.is);
        if known.is_none() || (known == Some(Is::Block) && is == Is::Handle) {
            let entry = Entry {
                kind: Some(kind),
                name: name.to_owned(),
                is,
            };
            self.found.entries.insert(object, entry);
        }
    }

    fn is_interesting(&mut self, at: TypeRef, depth: usize) -> bool {
        if let Some(known) = self.interesting.get(&at) {
            return *known;
        }
        // Against endless recursion through broken types.
        self.interesting.insert(at, false);
        let answer = self.handle_kind(at).is_some()
            || (depth <= DEEPEST
                && match self.types.real(Some(at)) {
                    Some((_at, real)) => match &real.kind {
                        TypeKind::Record { members, .. } => members
                            .iter()
                            .filter_map(|member| member.ty)
                            .any(|ty| self.is_interesting(ty, depth + 1)),
                        TypeKind::Array { element, .. } => {
                            element.is_some_and(|ty| self.is_interesting(ty, depth + 1))
                        }
                        _ => false,
                    },
                    None => false,
                });
        self.interesting.insert(at, answer);
        answer
    }

    /// Looks through typedefs and qualifiers for the name that tells.
    fn handle_kind(&self, at: TypeRef) -> Option<(HandleKind, Is)> {
        const LONGEST_CHAIN: usize = 8;
        let of = |table: &[(&str, HandleKind)], name: &str| {
            table
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, kind)| *kind)
        };
        let mut at = Some(at);
        for _step in 0..LONGEST_CHAIN {
            let found = self.types.get(at?)?;
            let (TypeKind::Typedef(target) | TypeKind::Qualified(_, target)) = &found.kind else {
                return None;
            };
            if let Some(name) = found.name.as_deref() {
                if let Some(kind) = of(&HANDLES, name) {
                    return Some((kind, Is::Handle));
                }
                if let Some(kind) = of(&STATIC_BLOCKS, name) {
                    return Some((kind, Is::Block));
                }
            }
            at = *target;
        }
        None
    }
}

/// `xKernelObjectPool`.
struct Pool {
    start: u64,
    entry_bytes: u64,
    handle: Field,
    n_entries: u64,
}

impl Pool {
    fn of(info: &DebugInfo<'_>, layout: &Layout) -> Option<Self> {
        let table = info.file().symbol("xKernelObjectPool")?;
        let layout = layout.pool.as_ref()?;
        Some(Self {
            start: table.address,
            entry_bytes: layout.size,
            handle: layout.handle,
            n_entries: table.size.checked_div(layout.size)?,
        })
    }

    /// What a handle stands for: the object of its entry, or itself if it is no number of an entry.
    fn object(&self, handle: u64, memory: &dyn Memory) -> u64 {
        let Some(index) = handle.checked_sub(1).filter(|n| *n < self.n_entries) else {
            return handle;
        };
        let entry = self
            .start
            .saturating_add(index.saturating_mul(self.entry_bytes));
        self.handle.read(entry, memory).unwrap_or(0)
    }
}

/// What a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// It points to the object.
    Handle,
    /// It is the object.
    Block,
}

/// `count` of `count.3` and `count.lto_priv.0`.
pub(super) fn plain_name(symbol: &str) -> &str {
    match symbol.split_once('.') {
        Some((name, rest))
            if !name.is_empty() && rest.starts_with(|c: char| c.is_ascii_digit() || c == 'l') =>
        {
            name
        }
        _ => symbol,
    }
}
