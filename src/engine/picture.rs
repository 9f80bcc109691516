//! Pictures as PNG files.

use super::whole_file::{FileError, written_whole};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// A picture, pixel by pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width and height.
    pub size: [usize; 2],
    /// Red, green and blue of each pixel, row by row.
    pub rgb: Arc<[u8]>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture of {:?}", self.size)
    }
}

/// Why no picture was written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It has no pixels, too many, or fewer than its size says.
    #[error("FS-EXP-003: there is no picture of {0} by {1} pixels. Nothing was written.")]
    Encoding(usize, usize),
    /// The file was not written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Picture {
    /// As a PNG.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let [width, height] = self.size;
        let failed = || PictureError::Encoding(width, height);
        let side = |n: usize| u32::try_from(n).map_err(|_too_large| failed());
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side(width)?, side(height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // What keeps pictures of text smallest.
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::Sub);
        let mut writer = encoder.write_header().map_err(|_wrong| failed())?;
        let written = writer.write_image_data(&self.rgb);
        written.map_err(|_wrong| failed())?;
        writer.finish().map_err(|_wrong| failed())?;
        Ok(bytes)
    }
}

/// Writes a picture to a file, whole or not at all.
pub fn save(picture: &Picture, path: &Path, replaces: bool) -> Result<(), PictureError> {
    let bytes = picture.png()?;
    written_whole(path, replaces, |mut file| {
        let written = file.write_all(&bytes);
        written.map_err(|error| FileError::io(path, error).into())
    })
}

#[cfg(test)]
mod tests {
    use super::{FileError, Picture, PictureError, save};

    #[test]
    fn a_picture_comes_back_pixel_by_pixel_and_replaces_nothing_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen.png");
        let rgb: Vec<u8> = (0..3 * 5 * 4).collect();
        let picture = Picture {
            size: [5, 4],
            rgb: rgb.clone().into(),
        };
        save(&picture, &path, false).unwrap();
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut read = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut read).unwrap();
        assert_eq!((info.width, info.height), (5, 4));
        assert_eq!(read, rgb);
        assert!(matches!(
            save(&picture, &path, false),
            Err(PictureError::File(FileError::Exists(_)))
        ));
        save(&picture, &path, true).unwrap();
        let torn = Picture {
            size: [500, 4],
            ..picture
        };
        let other = folder.path().join("torn.png");
        assert!(matches!(
            save(&torn, &other, false),
            Err(PictureError::Encoding(500, 4))
        ));
        assert!(!other.exists());
    }
}
