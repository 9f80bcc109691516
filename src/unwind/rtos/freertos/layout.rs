//! Where the fields of the kernel's structures are, from the debug information of the ELF.
//!
//! Nothing is assumed: configuration options (MPU, trace facility, list integrity words) move the fields.

use crate::model::memory::Memory;
use crate::symbols::{debug_info::DebugInfo, types::Types};

/// A field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Bytes from the start of the structure.
    pub(super) offset: u64,
    /// Bytes of the field.
    pub(super) size: u64,
}

impl Field {
    /// The address of the field in the structure at `base`.
    pub(super) fn at(self, base: u64) -> Option<u64> {
        base.checked_add(self.offset)
    }

    /// The value as an unsigned number of 1, 2, 4 or 8 bytes.
    pub(super) fn read(self, base: u64, memory: &dyn Memory) -> Option<u64> {
        let mut bytes = [0; 8];
        let len = usize::try_from(self.size).ok()?;
        if !matches!(len, 1 | 2 | 4 | 8) {
            return None;
        }
        memory.read(self.at(base)?, bytes.get_mut(..len)?).ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

/// `TCB_t`.
#[derive(Clone, Debug)]
pub(super) struct TcbLayout {
    pub(super) top_of_stack: Field,
    pub(super) state_item: Field,
    pub(super) event_item: Field,
    pub(super) priority: Field,
    pub(super) stack: Field,
    pub(super) name: Field,
    /// With `configRECORD_STACK_HIGH_ADDRESS`.
    pub(super) end_of_stack: Option<Field>,
    /// `ucNotifyState`: one byte an index.
    pub(super) notify_state: Option<Field>,
    /// `xMPUSettings.ulContext` of the ports with memory protection (from V11 on): the registers are kept in the control block.
    pub(super) mpu_context: Option<Field>,
    /// `xMPUSettings.xSystemCallStackInfo.pulTaskStack`: where the stack of an unprivileged task was left during a system call.
    pub(super) left_stack: Option<Field>,
}

/// `List_t`.
#[derive(Clone, Debug)]
pub(super) struct ListLayout {
    pub(super) count: Field,
    pub(super) end: Field,
    /// `xListEnd.pxNext`, from the start of the list.
    pub(super) end_next: Field,
    /// Bytes of a list.
    pub(super) size: u64,
}

/// `ListItem_t`.
#[derive(Clone, Debug)]
pub(super) struct ItemLayout {
    pub(super) value: Field,
    pub(super) next: Field,
    pub(super) owner: Field,
    pub(super) container: Field,
}

/// `Queue_t`, which is also every semaphore and mutex.
#[derive(Clone, Debug)]
pub(super) struct QueueLayout {
    pub(super) head: Field,
    pub(super) to_send: Field,
    pub(super) to_receive: Field,
    pub(super) messages: Field,
    pub(super) length: Field,
    pub(super) item_size: Field,
    /// `u.xSemaphore.xMutexHolder`, from the start of the queue.
    pub(super) mutex_holder: Option<Field>,
    /// `u.xSemaphore.uxRecursiveCallCount`, from the start of the queue.
    pub(super) recursion: Option<Field>,
    /// `pxQueueSetContainer`, with `configUSE_QUEUE_SETS`.
    pub(super) set: Option<Field>,
    /// `ucQueueType`, with `configUSE_TRACE_FACILITY`.
    pub(super) kind: Option<Field>,
}

/// `Timer_t`.
#[derive(Clone, Debug)]
pub(super) struct TimerLayout {
    pub(super) name: Field,
    pub(super) item: Field,
    pub(super) period: Field,
    pub(super) callback: Field,
    /// `ucStatus`; before V10.3 the auto-reload flag was a word of its own.
    pub(super) status: Option<Field>,
}

/// `EventGroup_t`.
#[derive(Clone, Debug)]
pub(super) struct EventGroupLayout {
    pub(super) bits: Field,
    pub(super) waiting: Field,
}

/// `StreamBuffer_t`, which is also every message buffer.
#[derive(Clone, Debug)]
pub(super) struct StreamLayout {
    pub(super) tail: Field,
    pub(super) head: Field,
    pub(super) length: Field,
    pub(super) trigger: Field,
    pub(super) receiver: Field,
    pub(super) sender: Field,
    pub(super) flags: Field,
}

/// `QueueRegistryItem_t`.
#[derive(Clone, Debug)]
pub(super) struct RegistryLayout {
    pub(super) name: Field,
    pub(super) handle: Field,
    pub(super) size: u64,
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) tcb: TcbLayout,
    pub(super) list: ListLayout,
    pub(super) item: ItemLayout,
    pub(super) queue: Option<QueueLayout>,
    pub(super) registry: Option<RegistryLayout>,
    pub(super) event_group: Option<EventGroupLayout>,
    pub(super) timer: Option<TimerLayout>,
    pub(super) stream: Option<StreamLayout>,
    pub(super) pool: Option<PoolLayout>,
}

/// `KernelObject_t`: with memory protection handles are numbers, from 1, of entries in `xKernelObjectPool`.
#[derive(Clone, Debug)]
pub(super) struct PoolLayout {
    pub(super) handle: Field,
    pub(super) size: u64,
}

const TCB: [&str; 3] = ["tskTaskControlBlock", "TCB_t", "tskTCB"];
const LIST: [&str; 2] = ["xLIST", "List_t"];
const ITEM: [&str; 2] = ["xLIST_ITEM", "ListItem_t"];
const MINI_ITEM: [&str; 2] = ["xMINI_LIST_ITEM", "MiniListItem_t"];
const QUEUE: [&str; 3] = ["QueueDefinition", "xQUEUE", "Queue_t"];
const SEMAPHORE: [&str; 2] = ["SemaphoreData", "SemaphoreData_t"];
const REGISTRY: [&str; 2] = ["QUEUE_REGISTRY_ITEM", "QueueRegistryItem_t"];
const EVENT_GROUP: [&str; 3] = ["EventGroupDef_t", "xEventGroupDefinition", "EventGroup_t"];
const TIMER: [&str; 3] = ["tmrTimerControl", "xTIMER", "Timer_t"];
const STREAM: [&str; 3] = ["StreamBufferDef_t", "xSTREAM_BUFFER", "StreamBuffer_t"];
const KERNEL_OBJECT: [&str; 2] = ["KernelObject", "KernelObject_t"];
const SYSTEM_CALL: [&str; 2] = ["SYSTEM_CALL_STACK_INFO", "xSYSTEM_CALL_STACK_INFO"];
const MPU_SETTINGS: [&str; 2] = ["MPU_SETTINGS", "xMPU_SETTINGS"];

/// Reads the layout, or says which member is not in the debug information.
pub(super) fn load(info: &DebugInfo<'_>) -> Result<Layout, String> {
    let types = &Types::new(info);
    let list_end = required(types, &LIST, "xListEnd")?;
    let item = ItemLayout {
        value: required(types, &ITEM, "xItemValue")?,
        next: required(types, &ITEM, "pxNext")?,
        owner: required(types, &ITEM, "pvOwner")?,
        container: required(types, &ITEM, "pvContainer")
            .or_else(|_older| required(types, &ITEM, "pxContainer"))?,
    };
    let mini_next = member(types, &MINI_ITEM, "pxNext").unwrap_or(item.next);
    Ok(Layout {
        tcb: TcbLayout {
            top_of_stack: required(types, &TCB, "pxTopOfStack")?,
            state_item: required(types, &TCB, "xStateListItem")
                .or_else(|_older| required(types, &TCB, "xGenericListItem"))?,
            event_item: required(types, &TCB, "xEventListItem")?,
            priority: required(types, &TCB, "uxPriority")?,
            stack: required(types, &TCB, "pxStack")?,
            name: required(types, &TCB, "pcTaskName")?,
            end_of_stack: member(types, &TCB, "pxEndOfStack"),
            notify_state: member(types, &TCB, "ucNotifyState"),
            left_stack: left_stack(types),
            mpu_context: member(types, &TCB, "xMPUSettings")
                .zip(member(types, &MPU_SETTINGS, "ulContext"))
                .map(|(settings, context)| within(settings, context)),
        },
        list: ListLayout {
            count: required(types, &LIST, "uxNumberOfItems")?,
            end: list_end,
            end_next: within(list_end, mini_next),
            size: size_of(types, &LIST).unwrap_or(list_end.offset.saturating_add(list_end.size)),
        },
        item,
        queue: queue(types),
        registry: registry(types),
        event_group: event_group(types),
        timer: timer(types),
        stream: stream(types),
        pool: pool(types),
    })
}

fn left_stack(types: &Types<'_, '_>) -> Option<Field> {
    let settings = member(types, &TCB, "xMPUSettings")?;
    let call = member(types, &MPU_SETTINGS, "xSystemCallStackInfo")?;
    let stack = member(types, &SYSTEM_CALL, "pulTaskStack")?;
    Some(within(settings, within(call, stack)))
}

fn pool(types: &Types<'_, '_>) -> Option<PoolLayout> {
    Some(PoolLayout {
        handle: member(types, &KERNEL_OBJECT, "xInternalObjectHandle")?,
        size: size_of(types, &KERNEL_OBJECT).filter(|size| *size > 0)?,
    })
}

fn event_group(types: &Types<'_, '_>) -> Option<EventGroupLayout> {
    Some(EventGroupLayout {
        bits: member(types, &EVENT_GROUP, "uxEventBits")?,
        waiting: member(types, &EVENT_GROUP, "xTasksWaitingForBits")?,
    })
}

fn timer(types: &Types<'_, '_>) -> Option<TimerLayout> {
    Some(TimerLayout {
        name: member(types, &TIMER, "pcTimerName")?,
        item: member(types, &TIMER, "xTimerListItem")?,
        period: member(types, &TIMER, "xTimerPeriodInTicks")?,
        callback: member(types, &TIMER, "pxCallbackFunction")?,
        status: member(types, &TIMER, "ucStatus"),
    })
}

fn stream(types: &Types<'_, '_>) -> Option<StreamLayout> {
    Some(StreamLayout {
        tail: member(types, &STREAM, "xTail")?,
        head: member(types, &STREAM, "xHead")?,
        length: member(types, &STREAM, "xLength")?,
        trigger: member(types, &STREAM, "xTriggerLevelBytes")?,
        receiver: member(types, &STREAM, "xTaskWaitingToReceive")?,
        sender: member(types, &STREAM, "xTaskWaitingToSend")?,
        flags: member(types, &STREAM, "ucFlags")?,
    })
}

fn queue(types: &Types<'_, '_>) -> Option<QueueLayout> {
    let union = member(types, &QUEUE, "u");
    let in_union = |name| {
        union
            .zip(member(types, &SEMAPHORE, name))
            .map(|(u, m)| within(u, m))
    };
    Some(QueueLayout {
        head: member(types, &QUEUE, "pcHead")?,
        to_send: member(types, &QUEUE, "xTasksWaitingToSend")?,
        to_receive: member(types, &QUEUE, "xTasksWaitingToReceive")?,
        messages: member(types, &QUEUE, "uxMessagesWaiting")?,
        length: member(types, &QUEUE, "uxLength")?,
        item_size: member(types, &QUEUE, "uxItemSize")?,
        mutex_holder: in_union("xMutexHolder"),
        recursion: in_union("uxRecursiveCallCount"),
        set: member(types, &QUEUE, "pxQueueSetContainer"),
        kind: member(types, &QUEUE, "ucQueueType"),
    })
}

fn registry(types: &Types<'_, '_>) -> Option<RegistryLayout> {
    let name = member(types, &REGISTRY, "pcQueueName")?;
    let handle = member(types, &REGISTRY, "xHandle")?;
    Some(RegistryLayout {
        name,
        handle,
        size: size_of(types, &REGISTRY).filter(|size| *size > 0)?,
    })
}

fn required(types: &Types<'_, '_>, names: &[&str], field: &str) -> Result<Field, String> {
    member(types, names, field)
        .ok_or_else(|| format!("{}.{field}", names.first().copied().unwrap_or_default()))
}

fn member(types: &Types<'_, '_>, names: &[&str], field: &str) -> Option<Field> {
    names.iter().find_map(|name| {
        let member = types.member(types.named(name)?, field, 0)?;
        Some(Field {
            offset: member.offset,
            size: member.size,
        })
    })
}

fn size_of(types: &Types<'_, '_>, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| types.size(types.named(name)?))
}

fn within(outer: Field, inner: Field) -> Field {
    Field {
        offset: outer.offset.saturating_add(inner.offset),
        size: inner.size,
    }
}
