//! The fields of a filter that is added or changed.

use crate::engine::logs::filter::LogFilter;
use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::LogSummary;
use crate::engine::queries::log_list::ListedLog;
use crate::model::log::LogLevel;
use crate::ui::theme::size;
use crate::ui::widgets::{field, text};
use crate::ui::words;
use egui::{Key, Ui};

/// Modules that are listed; the others are found by typing.
const LISTED: usize = 200;
/// Height of a list of names.
const LIST_HEIGHT: f32 = 180.0;
/// Width of the fields.
pub(super) const WIDTH: f32 = 280.0;

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Level,
    Module,
    Device,
    Boot,
    Time,
    Lines,
    NearCrash,
    Message,
}

impl Kind {
    /// Those that can be added from the menu, in its order.
    pub(super) const ADDED: [Self; 8] = [
        Self::Text,
        Self::Level,
        Self::Module,
        Self::Device,
        Self::Boot,
        Self::NearCrash,
        Self::Time,
        Self::Lines,
    ];

    /// Name on screen.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Text => "Text or expression\u{2026}",
            Self::Level => "Level\u{2026}",
            Self::Module => "Module\u{2026}",
            Self::Device => "Device\u{2026}",
            Self::Boot => "Boot\u{2026}",
            Self::Time => "Span of time\u{2026}",
            Self::Lines => "Span of lines\u{2026}",
            Self::NearCrash => "Near a crash\u{2026}",
            Self::Message => "One message",
        }
    }
}

/// What there is to choose from.
pub(super) struct Choices<'a> {
    pub(super) summary: &'a LogSummary,
    pub(super) moments: &'a Moments,
    /// Serial numbers of the devices of all logs.
    pub(super) devices: &'a [String],
}

/// Serial numbers of the devices of some logs.
pub(super) fn devices_of(listed: &[ListedLog]) -> Vec<String> {
    let mut devices: Vec<String> = listed.iter().filter_map(|log| log.device.clone()).collect();
    devices.sort();
    devices.dedup();
    devices
}

/// A filter that is being written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    filter: LogFilter,
    /// Texts of its fields.
    first: String,
    second: String,
    level: LogLevel,
    names: Vec<String>,
    /// Narrows the list of names.
    narrow: String,
    is_regex: bool,
    match_case: bool,
    /// The first field is to get the focus.
    is_new: bool,
    /// Why it cannot be used.
    pub(super) error: String,
}

impl Draft {
    /// A new filter of a kind; spans begin at the selected row.
    pub(super) fn new(kind: Kind, moments: &Moments, at: (Option<u64>, Option<i64>)) -> Self {
        let filter = match kind {
            Kind::Text | Kind::Message => LogFilter::Text {
                text: String::new(),
                match_case: false,
            },
            Kind::Level => LogFilter::Level {
                at_least: LogLevel::Warn,
            },
            Kind::Module => LogFilter::Module { names: Vec::new() },
            Kind::Device => LogFilter::Device {
                serials: Vec::new(),
            },
            Kind::Boot => LogFilter::Boot { first: 0, last: 0 },
            Kind::Time => LogFilter::Time {
                from_ns: at.1.unwrap_or(moments.span.0),
                to_ns: i64::MAX,
            },
            Kind::Lines => LogFilter::Rows {
                first: at.0.unwrap_or(0),
                last: u64::MAX,
            },
            Kind::NearCrash => LogFilter::NearCrash {
                n_before: 50,
                n_after: 10,
            },
        };
        Self::of(&filter, moments)
    }

    /// The fields of a filter that there is.
    pub(super) fn of(filter: &LogFilter, moments: &Moments) -> Self {
        let mut draft = Self {
            kind: Kind::Message,
            filter: filter.clone(),
            first: String::new(),
            second: String::new(),
            level: LogLevel::Warn,
            names: Vec::new(),
            narrow: String::new(),
            is_regex: false,
            match_case: false,
            is_new: true,
            error: String::new(),
        };
        match filter {
            LogFilter::Level { at_least } => {
                draft.kind = Kind::Level;
                draft.level = *at_least;
            }
            LogFilter::Module { names } => {
                draft.kind = Kind::Module;
                draft.names.clone_from(names);
            }
            LogFilter::Device { serials } => {
                draft.kind = Kind::Device;
                draft.names.clone_from(serials);
            }
            LogFilter::Boot { first, last } => {
                draft.kind = Kind::Boot;
                draft.first = words::boot(*first);
                draft.second = words::boot(*last);
            }
            LogFilter::Text { text, match_case } => {
                draft.kind = Kind::Text;
                draft.first.clone_from(text);
                draft.match_case = *match_case;
            }
            LogFilter::Regex {
                pattern,
                match_case,
            } => {
                draft.kind = Kind::Text;
                draft.first.clone_from(pattern);
                draft.match_case = *match_case;
                draft.is_regex = true;
            }
            LogFilter::Time { from_ns, to_ns } => {
                draft.kind = Kind::Time;
                if *from_ns > i64::MIN {
                    draft.first = moments.text(*from_ns);
                }
                if *to_ns < i64::MAX {
                    draft.second = moments.text(*to_ns);
                }
            }
            LogFilter::Rows { first, last } => {
                draft.kind = Kind::Lines;
                draft.first = words::number(first.saturating_add(1));
                if *last < u64::MAX {
                    draft.second = words::number(last.saturating_add(1));
                }
            }
            LogFilter::NearCrash { n_before, n_after } => {
                draft.kind = Kind::NearCrash;
                draft.first = n_before.to_string();
                draft.second = n_after.to_string();
            }
            LogFilter::Template { .. } | LogFilter::OnlyHere { .. } => {}
        }
        draft
    }

    /// The filter that stands in the fields; the error says what to change.
    pub(super) fn filter(&self, moments: &Moments) -> Result<LogFilter, String> {
        let names = || {
            if self.names.is_empty() {
                return Err("Choose at least one.".to_owned());
            }
            Ok(self.names.clone())
        };
        Ok(match self.kind {
            Kind::Level => LogFilter::Level {
                at_least: self.level,
            },
            Kind::Module => LogFilter::Module { names: names()? },
            Kind::Device => LogFilter::Device { serials: names()? },
            Kind::Text if self.first.is_empty() => return Err("Write a text.".to_owned()),
            Kind::Text if self.is_regex => LogFilter::Regex {
                pattern: self.first.clone(),
                match_case: self.match_case,
            },
            Kind::Text => LogFilter::Text {
                text: self.first.clone(),
                match_case: self.match_case,
            },
            Kind::Boot => {
                let boot = |text: &str| {
                    let boot = whole(text, "boot")?.checked_sub(1);
                    let boot = boot.and_then(|boot| u32::try_from(boot).ok());
                    boot.ok_or_else(|| "Boots are counted from 1.".to_owned())
                };
                let first = boot(&self.first)?;
                let last = if self.second.trim().is_empty() {
                    first
                } else {
                    boot(&self.second)?
                };
                LogFilter::Boot {
                    first: first.min(last),
                    last: first.max(last),
                }
            }
            Kind::Time => {
                let near = moments.span.0;
                let or = |text: &str, open: i64| {
                    if text.trim().is_empty() {
                        return Ok(open);
                    }
                    moments.read(text, near)
                };
                let from_ns = or(&self.first, i64::MIN)?;
                let to_ns = or(&self.second, i64::MAX)?;
                if from_ns > to_ns {
                    return Err("The end is before the beginning.".to_owned());
                }
                LogFilter::Time { from_ns, to_ns }
            }
            Kind::Lines => {
                let row = |text: &str| {
                    let line = whole(text, "line")?;
                    line.checked_sub(1)
                        .ok_or_else(|| "Lines are counted from 1.".to_owned())
                };
                let is_open = |text: &str| text.trim().is_empty();
                let first = if is_open(&self.first) {
                    0
                } else {
                    row(&self.first)?
                };
                let last = if is_open(&self.second) {
                    u64::MAX
                } else {
                    row(&self.second)?
                };
                if first > last {
                    return Err("The end is before the beginning.".to_owned());
                }
                LogFilter::Rows { first, last }
            }
            Kind::NearCrash => LogFilter::NearCrash {
                n_before: whole(&self.first, "number of lines")?,
                n_after: whole(&self.second, "number of lines")?,
            },
            Kind::Message => self.filter.clone(),
        })
    }

    /// Draws the fields; true when Enter was pressed in one.
    pub(super) fn fields_ui(&mut self, ui: &mut Ui, choices: &Choices<'_>) -> bool {
        ui.set_width(WIDTH);
        // A menu has none: what stands below the fields are buttons.
        ui.spacing_mut().button_padding = egui::vec2(size::S, size::XS);
        ui.spacing_mut().item_spacing.y = size::XS;
        let is_entered = match self.kind {
            Kind::Level => {
                for level in LogLevel::ALL {
                    let label = format!("{} and above", words::sentence(level.name()));
                    if ui.selectable_label(self.level == level, label).clicked() {
                        self.level = level;
                    }
                }
                false
            }
            Kind::Module => {
                let modules = &choices.summary.modules;
                let listed: Vec<(&str, Option<u64>)> = modules
                    .iter()
                    .map(|(name, n)| (name.as_str(), Some(*n)))
                    .collect();
                self.names_ui(ui, &listed, "No line of this log names its module.")
            }
            Kind::Device => {
                let devices = choices.devices.iter();
                let listed: Vec<_> = devices.map(|serial| (serial.as_str(), None)).collect();
                self.names_ui(ui, &listed, "No log of this workspace names its device.")
            }
            Kind::Text => {
                let entered = self.field_ui(ui, false, "Text of the filter", "Text");
                ui.checkbox(&mut self.is_regex, "Regular expression");
                ui.checkbox(&mut self.match_case, "Capitals count (Aa)");
                entered
            }
            Kind::Boot => {
                let n = choices.summary.boots.len() as u64;
                text::small(
                    ui,
                    match n {
                        0 => "No line of this log tells of a boot.".to_owned(),
                        n => format!("This log has {}.", words::count(n, "boot", "boots")),
                    },
                );
                self.two_ui(ui, ["First boot", "Last boot"], ["1", "the same"])
            }
            Kind::Time => {
                text::small(ui, "An empty field is open on its side.");
                let last = choices.moments.text(choices.moments.span.1);
                let first = choices.moments.text(choices.moments.span.0);
                self.two_ui(ui, ["From", "Until"], [&first, &last])
            }
            Kind::Lines => self.two_ui(ui, ["From line", "Until line"], ["1", "the last one"]),
            Kind::NearCrash => {
                let n = choices.summary.crashes.len() as u64;
                text::small(
                    ui,
                    match n {
                        0 => "No crash is known in this log. Import it, so that crashes are found."
                            .to_owned(),
                        n => format!("This log has {}.", words::count(n, "crash", "crashes")),
                    },
                );
                self.two_ui(ui, ["Lines before", "Lines behind"], ["50", "10"])
            }
            Kind::Message => {
                text::small(ui, "Lines of one message, whatever its values are.");
                false
            }
        };
        self.is_new = false;
        if !self.error.is_empty() {
            text::label(
                ui,
                self.error.clone(),
                crate::ui::theme::font::small(),
                crate::ui::theme::tokens(ui).warn,
            );
        }
        is_entered
    }

    fn two_ui(&mut self, ui: &mut Ui, names: [&str; 2], hints: [&str; 2]) -> bool {
        let mut entered = false;
        for (is_second, (name, hint)) in [false, true].into_iter().zip(names.into_iter().zip(hints))
        {
            text::small(ui, name);
            entered |= self.field_ui(ui, is_second, name, hint);
        }
        entered
    }

    fn field_ui(&mut self, ui: &mut Ui, is_second: bool, name: &str, hint: &str) -> bool {
        let value = if is_second {
            &mut self.second
        } else {
            &mut self.first
        };
        let response = field::line(ui, value, name, hint, WIDTH - 24.0);
        if self.is_new && !is_second {
            response.request_focus();
        }
        response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
    }

    /// A list of names to choose from, narrowed by what is typed. Enter takes the only one that is left.
    fn names_ui(&mut self, ui: &mut Ui, listed: &[(&str, Option<u64>)], none: &str) -> bool {
        if listed.is_empty() && self.names.is_empty() {
            text::small(ui, none);
            return false;
        }
        let hint = "Type to narrow\u{2026}";
        let response = field::line(ui, &mut self.narrow, "Narrow the list", hint, WIDTH - 24.0);
        if self.is_new {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let narrow = self.narrow.trim().to_lowercase();
        let is_listed = |name: &str| listed.iter().any(|(other, _)| *other == name);
        let others: Vec<String> = self
            .names
            .iter()
            .filter(|name| !is_listed(name))
            .cloned()
            .collect();
        let others = others.iter().map(|name| (name.as_str(), Some(0)));
        let matching: Vec<(&str, Option<u64>)> = others
            .chain(listed.iter().copied())
            .filter(|(name, _)| name.to_lowercase().contains(&narrow))
            .collect();
        if entered
            && let [(only, _)] = matching.as_slice()
            && !self.names.iter().any(|name| name == only)
        {
            self.names.push((*only).to_owned());
            self.narrow.clear();
            response.request_focus();
            return false;
        }
        egui::ScrollArea::vertical()
            .max_height(LIST_HEIGHT)
            .show(ui, |ui| {
                ui.set_width(WIDTH - 16.0);
                for (name, n) in matching.iter().take(LISTED) {
                    let mut is_chosen = self.names.iter().any(|other| other == name);
                    let label = match n {
                        Some(n) => format!("{name}  {}", words::number(*n)),
                        None => (*name).to_owned(),
                    };
                    if ui.checkbox(&mut is_chosen, label).changed() {
                        self.names.retain(|other| other != name);
                        if is_chosen {
                            self.names.push((*name).to_owned());
                        }
                    }
                }
                if matching.is_empty() {
                    text::small(ui, "None has this in its name.");
                }
                if let n @ 1.. = matching.len().saturating_sub(LISTED) {
                    text::small(ui, format!("and {n} more: type to narrow the list"));
                }
            });
        entered && !self.names.is_empty()
    }
}

/// A whole number, with or without the commas of the screen.
fn whole(text: &str, what: &str) -> Result<u64, String> {
    let digits = text.trim().replace(',', "");
    digits
        .parse()
        .map_err(|_error| format!("{} is no {what}.", text.trim()))
}
