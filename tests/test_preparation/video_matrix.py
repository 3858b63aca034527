"""Videos of every container and codec that are read, and what a full decode says about each.

    python -m tests.test_preparation.video_matrix --write docs/data_format.md

The ``ffmpeg`` program of imageio-ffmpeg writes each video and decodes it whole; ``sample_frames``
must give the frames that this decode has, at every rate and with every number of threads.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simhand_mm.experiments.tables import write_part
from simhand_mm.preparation.videos import VideoError, sample_frames
from tests.references.full_decode import choose, decode_all, run_ffmpeg
from tests.test_preparation import damage

FPS = (1000, 10, 7, 2, 1)
THREADS = (1, 3)
MOST_DIFFERENCE = 1  # levels; decoders of two versions of FFmpeg may round differently


@dataclass(frozen=True)
class Case:
    """One video.

    Attributes:
        container: For people.
        codec: For people, with what is special about it.
        suffix: Of the file.
        options: Of the encoder.
        source: What is filmed, as a filter of FFmpeg.
        change: Made to the file afterwards.
        filters: What the full decode must do to show it as a player does.
    """

    container: str
    codec: str
    suffix: str
    options: str
    source: str = "testsrc2=size=96x64:rate=30:duration=2.5"
    change: Callable[[Path], None] | None = None
    filters: str = "null"

    @property
    def name(self) -> str:
        """Short, for tests."""
        return f"{self.container} {self.codec}".replace(" ", "-")

    def write(self, folder: Path) -> Path:
        """Write the video."""
        path = folder / f"video{self.suffix}"
        source = ("-f", "lavfi", "-i", self.source)
        run_ffmpeg(*source, *self.options.split(), path)
        if self.change:
            self.change(path)
        return path


_264 = "-c:v libx264 -pix_fmt yuv420p -g 25 -bf 3"
_265 = "-c:v libx265 -pix_fmt yuv420p -x265-params log-level=error:keyint=20:bframes=3"
_VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30"
_AV1 = "-c:v libsvtav1 -preset 12 -g 30 -svtav1-params lookahead=0"
_ALT = "-auto-alt-ref 1 -lag-in-frames 16 -g 20 -deadline good -cpu-used 5"
_VARIABLE = "testsrc2=size=96x64:rate=30:duration=4,select='not(mod(n\\,7))+gt(mod(n\\,30)\\,22)'"
_DV = "testsrc2=size=720x576:rate=25:duration=1,setsar=16/15"
_CIF = "testsrc2=size=176x144:rate=30:duration=2,setsar=12/11"

CASES = [
    # What may be skipped in
    Case("MP4", "H.264", ".mp4", _264),
    Case("MP4", "H.264 without B-frames, one key frame", ".mp4", "-c:v libx264 -g 999 -bf 0"),
    Case("MP4", "H.264, open GOP", ".mp4", f"{_264} -x264-params open-gop=1:b-pyramid=normal"),
    Case("MP4", "H.264, intra refresh", ".mp4", f"{_264} -x264-params intra-refresh=1:keyint=20"),
    Case("MP4", "H.264, interlaced", ".mp4", f"{_264} -flags +ildct+ilme"),
    Case("MP4", "H.264, fragments", ".mp4", f"{_264} -movflags frag_keyframe+empty_moov"),
    Case("MP4", "H.264, variable rate", ".mp4", f"{_264} -fps_mode vfr", _VARIABLE),
    Case("MP4", "H.264, edit list", ".mp4", _264, change=damage.cut_by_edit_list),
    Case("MP4", "H.264, starts within a GOP", ".mp4", _264, change=damage.drop_key_frame),
    Case("MP4", "H.264, 10 bit, 4:2:2", ".mp4", "-c:v libx264 -pix_fmt yuv422p10le"),
    Case("MP4", "H.264, pixel aspect 4:3", ".mp4", f"{_264} -vf setsar=4/3",
         filters="scale=w=128:h=64:flags=bicubic"),
    Case("MP4", "H.264, pixel aspect 8:9, rotated", ".mp4", f"{_264} -vf setsar=8/9",
         change=damage.turn(90), filters="scale=w=64:h=85:flags=bicubic"),
    Case("MP4", "HEVC", ".mp4", _265),
    Case("MP4", "HEVC, open GOP", ".mp4", f"{_265}:open-gop=1"),
    Case("MP4", "VP9, hidden frames", ".mp4", f"-c:v libvpx-vp9 {_ALT}"),
    Case("MP4", "AV1", ".mp4", _AV1),
    Case("MP4", "MPEG-4 Part 2", ".mp4", "-c:v mpeg4 -bf 2 -g 12"),
    Case("MP4", "VVC", ".mp4", "-c:v libvvenc -preset faster -pix_fmt yuv420p10le -g 16"),
    Case("MOV", "H.264", ".mov", _264),
    Case("MOV", "HEVC", ".mov", f"{_265} -tag:v hvc1"),
    Case("MOV", "ProRes", ".mov", "-c:v prores_ks"),
    Case("MOV", "Motion JPEG", ".mov", "-c:v mjpeg -pix_fmt yuvj420p"),
    Case("MOV", "PNG", ".mov", "-c:v png"),
    Case("MOV", "QuickTime Animation", ".mov", "-c:v qtrle"),
    Case("M4V", "H.264", ".m4v", f"{_264} -f mp4"),
    Case("INSV", "H.264", ".insv", f"{_264} -f mp4"),
    Case("3GP", "H.263", ".3gp", "-c:v h263", _CIF, filters="scale=w=192:h=144:flags=bicubic"),
    Case("Matroska", "H.264", ".mkv", _264),
    Case("Matroska", "H.264, variable rate", ".mkv", f"{_264} -fps_mode vfr", _VARIABLE),
    Case("Matroska", "H.264, equal time stamps", ".mkv", _264, change=damage.same_stamps(3)),
    Case("Matroska", "HEVC", ".mkv", _265),
    Case("Matroska", "VP9", ".mkv", _VP9),
    Case("Matroska", "AV1", ".mkv", _AV1),
    Case("Matroska", "MPEG-2", ".mkv", "-c:v mpeg2video -bf 2 -g 12"),
    Case("Matroska", "FFV1", ".mkv", "-c:v ffv1"),
    Case("WebM", "VP9", ".webm", _VP9),
    Case("WebM", "VP9, hidden frames", ".webm", f"-c:v libvpx-vp9 {_ALT}"),
    Case("WebM", "VP8, hidden frames", ".webm", f"-c:v libvpx {_ALT}"),
    Case("WebM", "AV1", ".webm", _AV1),
    # Decoded in order
    Case("AVI", "H.264", ".avi", _264),
    Case("AVI", "Xvid", ".avi", "-c:v mpeg4 -vtag xvid -bf 2 -g 12"),
    Case("AVI", "DivX", ".divx", "-c:v mpeg4 -vtag DX50 -f avi"),
    Case("AVI", "Xvid, packed B-frames", ".avi", "-c:v mpeg4 -vtag xvid -bf 1 -g 12",
         change=damage.pack_b_frames),
    Case("AVI", "MPEG-4, variable rate", ".avi", "-c:v mpeg4 -fps_mode vfr", _VARIABLE),
    Case("AVI", "Motion JPEG", ".avi", "-c:v mjpeg -pix_fmt yuvj420p"),
    Case("AVI", "MS MPEG-4", ".avi", "-c:v msmpeg4"),
    Case("AVI", "HuffYUV", ".avi", "-c:v huffyuv"),
    Case("AVI", "raw", ".avi", "-c:v rawvideo -pix_fmt yuv420p"),
    Case("MPEG-TS", "H.264", ".ts", _264),
    Case("MPEG-TS", "HEVC", ".ts", _265),
    Case("MPEG-TS", "MPEG-2, interlaced", ".m2ts", "-c:v mpeg2video -flags +ildct+ilme -bf 2"),
    Case("MPEG-TS", "H.264, starts within a GOP", ".mts", f"{_264} -f mpegts",
         change=damage.drop_start),
    Case("MPEG-TS", "H.264, two recordings joined", ".ts", _264, change=damage.append_later),
    Case("MPEG-PS", "MPEG-1", ".mpg", "-c:v mpeg1video -bf 2 -g 12"),
    Case("MPEG-PS", "MPEG-2", ".vob", "-c:v mpeg2video -bf 2 -g 12"),
    Case("FLV", "H.264", ".flv", _264),
    Case("FLV", "Sorenson", ".flv", "-c:v flv1"),
    Case("ASF", "WMV 2", ".wmv", "-c:v wmv2"),
    Case("ASF", "MPEG-4", ".asf", "-c:v mpeg4"),
    Case("Ogg", "Theora", ".ogv", "-c:v libtheora -g 12"),
    Case("MXF", "MPEG-2", ".mxf", "-c:v mpeg2video -bf 2 -g 12"),
    Case("MXF", "H.264", ".mxf", _264),
    Case("NUT", "FFV1", ".nut", "-c:v ffv1"),
    Case("IVF", "VP9", ".ivf", _VP9),
    Case("RealMedia", "RV20", ".rm", "-c:v rv20"),
    Case("DV", "DV", ".dv", "-c:v dvvideo -pix_fmt yuv420p", _DV,
         filters="scale=w=768:h=576:flags=bicubic"),
    Case("GIF", "GIF", ".gif", ""),
    Case("GIF", "GIF, variable rate", ".gif", "-fps_mode vfr", _VARIABLE),
    Case("APNG", "APNG", ".apng", ""),
    Case("raw stream", "H.264", ".h264", _264),
    Case("raw stream", "H.264 without B-frames", ".264", "-c:v libx264 -bf 0 -f h264"),
    Case("raw stream", "HEVC", ".hevc", _265),
    Case("raw stream", "MPEG-2", ".m2v", "-c:v mpeg2video -bf 2 -g 12"),
    Case("raw stream", "MPEG-4 Part 2", ".m4v", "-c:v mpeg4 -f m4v"),
    Case("raw stream", "AV1", ".obu", _AV1),
]  # fmt: skip
CASES += [
    Case("MP4", f"H.264, display matrix {angle}° {mirror}".strip(), ".mp4", _264,
         change=damage.turn(angle, mirror))
    for angle in (0, 90, 180, 270) for mirror in ("", "mirrored")
]  # fmt: skip
CASES += [
    Case("MP4", f"H.264, {name}", ".mp4",
         f"{_264} -bsf:v h264_metadata=matrix_coefficients={matrix}:video_full_range_flag={full}")
    for name, matrix, full in (("BT.601", 6, 0), ("BT.709", 1, 0), ("BT.709, full range", 1, 1),
                               ("full range", 2, 1), ("BT.2020", 9, 0))
]  # fmt: skip
CASES += [
    Case("Matroska", f"HEVC, {name}", ".mkv",
         "-c:v libx265 -x265-params log-level=error -vf zscale=pin=bt709:tin=bt709:min=bt709:"
         f"p=bt2020:t={transfer}:m=bt2020nc:npl=203:r=tv,format=yuv420p10le",
         filters="scale=out_primaries=bt709:out_transfer=bt709")
    for name, transfer in (("HLG", "arib-std-b67"), ("PQ", "smpte2084"))
]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What came of a comparison.

    Attributes:
        num_frames: Frames of the full decode.
        largest_difference: Of any colour of any pixel, in levels of 255.
        problems: What differs; empty if all is well.
    """

    num_frames: int
    largest_difference: int
    problems: list[str]


def compare(case: Case, folder: Path, rates: tuple = FPS, threads: tuple = THREADS) -> Outcome:
    """Pictures, numbers, times and count of the sampled frames against the full decode."""
    path = case.write(folder)
    whole = decode_all(path, case.filters)
    problems, largest = [], 0
    for fps in rates:
        expected = choose(whole, fps)
        for num_threads in threads:
            where = f"{fps} fps, {num_threads} threads"
            try:
                frames = list(sample_frames(path, fps, num_threads=num_threads))
            except VideoError as error:
                problems.append(f"{where}: {error.reason}: {error.detail}")
                continue
            if [frame.index for frame in frames] != expected:
                problems.append(f"{where}: {[f.index for f in frames]}, not {expected}")
                continue
            for frame in frames:
                image, time_s = whole.images[frame.index], float(whole.times_s[frame.index])
                if image.shape != frame.image.shape:
                    problems.append(f"{where}: {frame.image.shape}, not {image.shape}")
                    break
                difference = int(np.abs(image.astype(int) - frame.image).max())
                largest = max(largest, difference)
                if difference > MOST_DIFFERENCE:
                    problems.append(f"{where}: frame {frame.index} differs by {difference}")
                if abs(frame.time_s - time_s) > 2e-3:
                    problems.append(f"{where}: frame {frame.index} at {frame.time_s}, not {time_s}")
    return Outcome(len(whole.images), largest, problems)


def table() -> str:
    """The whole matrix in Markdown.

    Raises:
        RuntimeError: If anything differs.
    """
    rows = [
        "| container | codec | file | frames | largest difference, levels |",
        "| --- " * 5 + "|",
    ]
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            outcome = compare(case, Path(folder))
        if outcome.problems:
            raise RuntimeError(f"{case.name}: {outcome.problems}")
        rows.append(
            f"| {case.container} | {case.codec} | `{case.suffix}` | {outcome.num_frames} "
            f"| {outcome.largest_difference} |"
        )
        print(rows[-1], file=sys.stderr)
    return "\n".join(rows)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", type=Path, help="document to put the table into")
    args = parser.parse_args()
    lines = table()
    print(lines)
    if args.write:
        write_part(args.write, "videos", "read", lines)


if __name__ == "__main__":
    main()
