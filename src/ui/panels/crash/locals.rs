//! Arguments and locals of the selected frame as a tree; pointers are followed when their branch is opened.

use super::Selected;
use crate::model::report::Local;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::icons;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, RowPainter, row};
use crate::ui::widgets::state;
use egui::{Align, ScrollArea, Ui};
use std::collections::BTreeSet;

/// Deeper than this a tree of pointers is a circle.
const MAX_DEPTH: usize = 12;

/// Which branches are open.
#[derive(Default)]
pub(super) struct LocalsTab {
    open: BTreeSet<String>,
}

/// One visible line of a tree of values.
pub(super) struct TreeLine {
    path: String,
    depth: usize,
    can_open: bool,
    is_open: bool,
    local: Local,
    note: Option<String>,
}

impl LocalsTab {
    /// Draws the tab.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
        let Some(frame) = selected.frame else {
            state::empty(
                ui,
                "No frame",
                "Choose a frame to see its arguments and locals.",
            );
            return;
        };
        if frame.locals.is_empty() {
            let has_symbols = selected.detail.report.elf_build_id.is_some();
            let (headline, advice) = if frame.function.is_none() && has_symbols {
                (
                    "Not in the code",
                    "This address is in no function of the build, so it has no locals. Choose another frame.",
                )
            } else if frame.function.is_none() {
                (
                    "No symbols here",
                    "Locals need the ELF of this build with debug information (-g).",
                )
            } else {
                (
                    "No locals",
                    "This function has no arguments or locals, or its file was built without -g, or its .dwo file is missing.",
                )
            };
            state::empty(ui, headline, advice);
            return;
        }
        let root = format!(
            "{}/{}/{}",
            selected.id, selected.thread_idx, selected.frame_idx
        );
        let mut lines = Vec::new();
        for (i, local) in frame.locals.iter().enumerate() {
            let path = format!("{root}/{i}.{}", local.name);
            flatten(ctx, selected.id, &self.open, local, &path, 0, &mut lines);
        }
        tree_ui(ctx, ui, "locals", &lines, &mut self.open);
    }
}

/// Turns a value into the lines that its open branches need.
#[expect(clippy::too_many_arguments, reason = "what a recursion carries along")]
pub(super) fn flatten(
    ctx: &ViewContext<'_>,
    crash: i64,
    open: &BTreeSet<String>,
    local: &Local,
    path: &str,
    depth: usize,
    lines: &mut Vec<TreeLine>,
) {
    let can_open = depth < MAX_DEPTH && (!local.children.is_empty() || local.target.is_some());
    let is_open = can_open && open.contains(path);
    let shown = Local {
        children: Vec::new(),
        ..local.clone()
    };
    lines.push(TreeLine {
        path: path.to_owned(),
        depth,
        can_open,
        is_open,
        local: shown,
        note: None,
    });
    if !is_open {
        return;
    }
    for (i, child) in local.children.iter().enumerate() {
        flatten(
            ctx,
            crash,
            open,
            child,
            &format!("{path}/{i}.{}", child.name),
            depth + 1,
            lines,
        );
    }
    let (Some(target), true) = (local.target, local.children.is_empty()) else {
        return;
    };
    let type_name = local.type_name.as_deref().unwrap_or("");
    let answer = ctx.door.follow(crash, type_name, target);
    if let Some(pointee) = answer.value() {
        let mut pointee = (**pointee).clone();
        pointee.name = format!("*{}", local.name);
        let path = format!("{path}/*");
        flatten(ctx, crash, open, &pointee, &path, depth + 1, lines);
    } else {
        let note = match answer {
            crate::engine::loadable::Loadable::Failed { error, .. } => error,
            _ => "reading…".to_owned(),
        };
        let local = Local {
            name: String::new(),
            value: None,
            target: None,
            ..local.clone()
        };
        lines.push(TreeLine {
            path: format!("{path}/…"),
            depth: depth + 1,
            can_open: false,
            is_open: false,
            local,
            note: Some(note),
        });
    }
}

/// Draws the lines of a tree.
pub(super) fn tree_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    salt: &str,
    lines: &[TreeLine],
    open: &mut BTreeSet<String>,
) {
    ScrollArea::vertical()
        .id_salt(salt)
        .auto_shrink(false)
        .show_rows(ui, size::ROW, lines.len(), |ui, range| {
            for line in lines.iter().take(range.end).skip(range.start) {
                let response = row(ui, false, &line_name(line), |row| paint(row, line));
                if response.clicked() && line.can_open && !open.remove(&line.path) {
                    open.insert(line.path.clone());
                }
                response.context_menu(|ui| menu_ui(ctx, ui, &line.local));
            }
        });
}

fn menu_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, local: &Local) {
    let value = local.value.clone().unwrap_or_default();
    if ui.button("Copy value").clicked() {
        ui.ctx().copy_text(value.clone());
    }
    if ui.button("Copy name and value").clicked() {
        ui.ctx().copy_text(format!("{} = {value}", local.name));
    }
    if let Some(target) = local.target
        && ui.button("Show in memory").clicked()
    {
        ctx.ui(UiCommand::GoToMemory(target.0));
    }
}

fn paint(row: &mut RowPainter<'_>, line: &TreeLine) {
    let t = row.tokens;
    let width = row.width();
    let indent = size::M + 16.0 * line.depth as f32;
    if line.can_open {
        let icon = if line.is_open {
            icons::UNFOLDED
        } else {
            icons::FOLDED
        };
        let style = CellStyle {
            font: font::icon(10.0),
            color: t.muted,
            align: Align::Min,
        };
        row.text(indent, indent + 14.0, icon, &style);
    }
    let name_at = indent + 16.0;
    if let Some(note) = &line.note {
        row.muted(name_at, width - size::M, note);
        return;
    }
    let name = CellStyle {
        font: font::mono(),
        color: t.text,
        align: Align::Min,
    };
    let end = row.text(name_at, width * 0.5, &line.local.name, &name);
    let (value, color) = value_of(row, &line.local);
    let type_name = line.local.type_name.as_deref().unwrap_or("");
    let type_from = (width * 0.28).max(end + size::M);
    let right = width - size::M;
    // The value is what was asked for: it takes what it needs, the type gets the rest.
    let wanted = row
        .painter
        .layout_no_wrap(first_of(&value), font::mono(), color)
        .size()
        .x
        + 1.0;
    let least_type = if type_name.is_empty() { 0.0 } else { 64.0 };
    let value_from = (right - wanted).max(type_from + least_type);
    let type_style = CellStyle {
        font: font::mono(),
        color: t.faint,
        align: Align::Min,
    };
    row.text(type_from, value_from - size::S, type_name, &type_style);
    let value_style = CellStyle {
        font: font::mono(),
        color,
        align: Align::Max,
    };
    row.text(value_from, right, &value, &value_style);
}

/// Enough of a value to fill any row.
fn first_of(value: &str) -> String {
    value.chars().take(160).collect()
}

fn value_of(row: &RowPainter<'_>, local: &Local) -> (String, egui::Color32) {
    match (&local.value, local.unavailable) {
        (Some(value), _) => (value.clone(), row.tokens.text),
        (None, Some(why)) => (why.label().to_owned(), row.tokens.faint),
        (None, None) => (String::new(), row.tokens.faint),
    }
}

fn line_name(line: &TreeLine) -> String {
    if let Some(note) = &line.note {
        return note.clone();
    }
    let value = match (&line.local.value, line.local.unavailable) {
        (Some(value), _) => format!(" = {value}"),
        (None, Some(why)) => format!(": {}", why.label()),
        (None, None) => String::new(),
    };
    let type_name = line
        .local
        .type_name
        .as_ref()
        .map_or(String::new(), |name| format!(" ({name})"));
    let argument = if line.local.argument { "argument " } else { "" };
    format!("{argument}{}{value}{type_name}", line.local.name)
}
