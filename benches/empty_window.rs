//! An empty window: what the time to Fieldscope's first frame is measured against (`scripts/bench.sh window`).

use fieldscope::ui::frame_log::FrameLog;

struct Empty(FrameLog);

impl eframe::App for Empty {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.0.begin();
        self.0.end(false);
        ui.ctx().request_repaint();
    }
}

fn main() -> eframe::Result {
    let log = FrameLog::from_environment();
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([1440.0, 900.0]),
        renderer: eframe::Renderer::Glow,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native("Empty", options, Box::new(|_cc| Ok(Box::new(Empty(log)))))
}
