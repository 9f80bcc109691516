//! What each command does. The match only routes.

mod export_log;
pub(super) mod follow;
pub(super) mod live;
mod samples;
pub(super) mod watch;

use super::Engine;
use super::command::Command;
use super::demo_fleet::{DemoError, SMALL, store};
use super::file_bytes::Access;
use super::import::{import_bytes, import_paths};
use super::job::{JobContext, JobError, JobResult};
use super::merged_logs::set_offsets;
use super::metric_edit;
use super::source_map::{SourceMapping, add as add_source_mapping};
use super::table_export::export;

/// Carries out one command.
pub(super) fn run(engine: &Engine, command: &Command, job: &JobContext) -> JobResult {
    let workspace = engine.workspace();
    match command {
        Command::Import { paths, asks: true } => samples::import_or_hold(engine, paths, job),
        Command::Import { paths, asks: false } => {
            Ok(import_paths(workspace, paths, Access::Copy(workspace.folder()), job)?.sentence())
        }
        Command::ImportSample { sample, chosen } => samples::import(engine, *sample, chosen, job),
        Command::LookAtSample { sample, chosen } => {
            samples::look_again(engine, *sample, chosen, job)
        }
        Command::LeaveSample { sample } => samples::leave(engine, *sample),
        Command::ImportBytes { name, bytes } => {
            Ok(import_bytes(workspace, name, bytes.clone(), job)?.sentence())
        }
        Command::OpenDemo => {
            Ok(import_bytes(workspace, super::demo::NAME, super::demo::bytes(), job)?.sentence())
        }
        Command::OpenDemoFleet => demo_fleet(engine, job),
        Command::AddSymbols { paths } => add_symbols(engine, paths, job),
        Command::AssignSymbols { crash, build_id } => workspace
            .assign_symbols(*crash, build_id, job)
            .map_err(failed),
        Command::RemoveCapture { capture } => workspace.remove_capture(*capture).map_err(failed),
        Command::RestoreCapture { capture } => workspace.restore_capture(*capture).map_err(failed),
        Command::FollowLog { path } => engine.follows.start(engine, path, job),
        Command::StopFollowing { path } => Ok(engine.follows.stop(path)),
        Command::Connect { .. }
        | Command::Disconnect
        | Command::SendToBoard { .. }
        | Command::Control { .. }
        | Command::Watch { .. }
        | Command::Unwatch { .. }
        | Command::TakeSoFar
        | Command::Replay { .. } => engine.desk.run(engine, command, job),
        Command::ExportLog { key, export } => export_log::run(engine, key, export, job),
        Command::ExportTable(asked) => {
            let n_rows = export(&workspace.context(), asked).map_err(failed)?;
            Ok(format!("{n_rows} rows written to {}", asked.path.display()))
        }
        #[cfg(feature = "gui")]
        Command::SavePicture {
            picture,
            path,
            replaces,
        } => {
            super::picture::save(picture, path, *replaces).map_err(failed)?;
            Ok(format!("The picture is in {}", path.display()))
        }
        Command::EditMetric { metric, unit, kind } => {
            metric_edit::edit(&workspace.context(), metric, unit.as_deref(), *kind)
        }
        Command::TakeBackMetric { metric } => metric_edit::take_back(&workspace.context(), metric),
        Command::WatchFolder { path } => engine.watch.set(engine, path.clone()),
        Command::SetLogOffsets { logs } => {
            set_offsets(&workspace.context(), logs).map_err(failed)?;
            Ok("The offsets of the merged logs are kept".to_owned())
        }
        Command::MapSource { from, to } => {
            let mapping = SourceMapping {
                from: from.clone(),
                to: to.display().to_string(),
            };
            add_source_mapping(&workspace.context(), mapping).map_err(failed)?;
            let to = to.display();
            Ok(format!("Sources of {from} are looked for in {to}"))
        }
        Command::MergeIssues { from, into } => workspace.merge_issues(from, into).map_err(failed),
        Command::SplitCrash { crash } => workspace.split_crash(*crash).map_err(failed),
        Command::RenameIssue { issue, title } => workspace
            .rename_issue(issue, title.as_deref())
            .map_err(failed),
        Command::CloseIssue { issue, closed } => {
            workspace.close_issue(issue, *closed).map_err(failed)
        }
        Command::NoteIssue { issue, note } => {
            workspace.note_issue(issue, note.as_deref()).map_err(failed)
        }
        Command::UndoIssues => workspace.undo_issues().map_err(failed),
        Command::RedoIssues => workspace.redo_issues().map_err(failed),
        Command::AddBookmark { log, offset } => {
            workspace.add_bookmark(log, *offset).map_err(failed)
        }
        Command::RemoveBookmark { log, offset } => {
            workspace.remove_bookmark(log, *offset).map_err(failed)
        }
        Command::NoteBookmark { log, offset, note } => workspace
            .note_bookmark(log, *offset, note.as_deref())
            .map_err(failed),
        Command::SaveFilters { name, stack } => workspace.save_filters(name, stack).map_err(failed),
        Command::UpdateFilters { name, stack } => {
            workspace.update_filters(name, stack).map_err(failed)
        }
        Command::RenameFilters { name, to } => workspace.rename_filters(name, to).map_err(failed),
        Command::DeleteFilters { name } => workspace.delete_filters(name).map_err(failed),
        Command::ExportFilters { path } => workspace.export_filters(path).map_err(failed),
        Command::ImportFilters { path } => workspace.import_filters(path).map_err(failed),
        Command::UndoMarks => workspace.undo_marks().map_err(failed),
        Command::RedoMarks => workspace.redo_marks().map_err(failed),
        Command::SaveCopy { path } => workspace.save_copy(path, job).map_err(failed),
    }
}

fn add_symbols(engine: &Engine, paths: &[std::path::PathBuf], job: &JobContext) -> JobResult {
    let added = engine.workspace().add_symbols(paths, job)?;
    match (added.files.is_empty(), added.failed.first()) {
        (true, Some((_, error))) => Err(JobError::Failed(error.clone())),
        (true, None) => Err(JobError::Failed(
            "No ELF file with code was found there.".to_owned(),
        )),
        (false, _) => Ok(added.sentence()),
    }
}

fn failed(error: impl std::fmt::Display) -> JobError {
    JobError::Failed(error.to_string())
}

fn demo_fleet(engine: &Engine, job: &JobContext) -> JobResult {
    let context = engine.workspace().context();
    match store(&context, SMALL, job) {
        Ok(totals) => Ok(format!(
            "{} made-up devices with {} heartbeats: `fieldscope demo` makes larger fleets and prints what was planted",
            SMALL.n_devices, totals.n_rows
        )),
        Err(DemoError::Cancelled(cancelled)) => Err(JobError::from(cancelled)),
        Err(error @ DemoError::Store(_)) => Err(failed(error)),
    }
}
