"""The commands in the documents: which ones are run, and for the others the reason why not.

A command is a line of a code block that starts with one of STARTERS; ``\\`` joins lines, and
comments are removed.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"),
     *ROOT.glob("configs/*/README.md"), *ROOT.glob("projects/**/README.md")]
)  # fmt: skip
STARTERS = ("simhand", "python", "bash", "pip", "torchrun", "sbatch", "srun", "ray", "make")

# Run by tests/test_readme.py, each group in a separate folder. The added options make a command
# small; if an option is given twice, the last one is used.
SMALL_PRETRAINING = (
    " --cfg-options train_cfg.max_epochs=2 train_dataloader.batch_size=8 "
    "model.data_preprocessor.input_size=32 train_dataloader.num_workers=0 "
    "train_dataloader.persistent_workers=False"
)
OWN_VIDEOS = {
    "simhand prepare my_videos data/pool --fps 1": " --fps 10 --workers 0",
    "simhand prepare my_videos data/pool --fps 1 --retry-failed": " --fps 10 --workers 0",
    "simhand browse-pool data/pool -o pool.html": "",
    "simhand mine data/pool --ranks 1,2,3,10,50": " --ranks 1,2,3",
    "simhand browse-pairs data/pool --pairs similar -o pairs.html": "",
}
OWN_VIDEOS_TRAINING = {
    "simhand train configs/poseaware/poseaware_resnet18_1xb128-coslr-6e_synthetic-64px.py": (
        SMALL_PRETRAINING
    ),
    "simhand train configs/poseaware/poseaware_resnet18_1xb128-coslr-6e_synthetic-64px.py "
    "--resume": SMALL_PRETRAINING,
    "simhand train configs/poseaware/poseaware_resnet18_1xb128-coslr-6e_synthetic-64px.py "
    "--cfg-options model.head.loss.sigma=0.15 model.head.loss.alpha=1": (
        SMALL_PRETRAINING.removeprefix(" --cfg-options")
    ),
    "simhand train configs/poseaware/poseaware_resnet18_1xb128-coslr-6e_synthetic-64px.py "
    "--cfg-options model.head.loss.alpha=1 train_dataloader.dataset.pairs=None": (
        SMALL_PRETRAINING.removeprefix(" --cfg-options")
    ),
    "simhand train configs/simhand/simhand_resnet50_1xb8192-mb1024-coslr-100e_ego4d-1m.py --amp "
    "--cfg-options train_dataloader.dataset.pool=pool": (
        " train_cfg.max_epochs=1 train_dataloader.batch_size=8 model.micro_batch_size=4 "
        "model.data_preprocessor.input_size=32 train_dataloader.num_workers=0 sync_bn=None "
        "train_dataloader.persistent_workers=False param_scheduler.0.end=1 "
        "param_scheduler.1.begin=0 train_dataloader.dataset.held_out=0 "
        "train_dataloader.dataset.split=all"
    ),
    "simhand export backbone.pth resnet50.pth --to torchvision": "",
}
ONE_EPOCH = (
    " train_cfg.max_epochs=1 train_dataloader.batch_size=8 train_dataloader.num_workers=0 "
    "train_dataloader.persistent_workers=False"
)
ONE_EPOCH_OF_FINE_TUNING = (
    f"{ONE_EPOCH} train_cfg.val_interval=1 val_dataloader.num_workers=0 "
    "val_dataloader.persistent_workers=False param_scheduler.0.end=1 "
    "param_scheduler.1.T_max=1 default_hooks.checkpoint.interval=1"
)
PAPER = {
    "simhand prepare ego4d/full_scale data/pools/ego4d-1m --source ego4d --fps 1 --workers 32": (
        " --fps 10 --workers 0"
    ),
    "simhand mine data/pools/ego4d-1m": "",
    # The test starts two processes instead of eight.
    "simhand dist-train configs/simhand/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py 8 --amp": (
        f" --cfg-options{ONE_EPOCH} model.data_preprocessor.input_size=32 sync_bn=None "
        "param_scheduler.0.end=1 param_scheduler.1.begin=0 "
        "train_dataloader.dataset.held_out=0 train_dataloader.dataset.split=all"
    ),
    "simhand convert freihand data/FreiHAND_pub_v2": " --holdout 0.2",
    "simhand train configs/detnet/detnet_resnet50_pre_1xb128-120e_freihand.py "
    "--cfg-options model.backbone.init_cfg.checkpoint=work_dirs/"
    "simhand_resnet50_8xb1024-coslr-100e_ego4d-1m/backbone.pth": (ONE_EPOCH_OF_FINE_TUNING),
    "simhand test configs/detnet/detnet_resnet50_pre_1xb128-120e_freihand.py "
    "BEST_CHECKPOINT --dump": " --cfg-options test_dataloader.num_workers=0",
    "simhand evaluate data/FreiHAND_pub_v2/poses/test.parquet predictions.parquet": "",
    "simhand compare data/FreiHAND_pub_v2/poses/test.parquet "
    "scratch=A/predictions.parquet simhand=B/predictions.parquet": "",
}

_PRE = "configs/detnet/detnet_resnet50_pre_1xb128-120e_freihand.py"
_SCRATCH = "configs/detnet/detnet_resnet50_1xb128-120e_freihand.py"
_DATA = "train_dataloader.dataset.data_root=my_hands val_dataloader.dataset.data_root=my_hands"
_TEST = "BEST_CHECKPOINT --dump --cfg-options test_dataloader.dataset.data_root=my_hands"
OWN_LABELS = {
    "simhand convert json my_hands": "",
    f"simhand train {_PRE} --cfg-options model.backbone.init_cfg.checkpoint=FILE {_DATA}": (
        ONE_EPOCH_OF_FINE_TUNING
    ),
    f"simhand test {_PRE} {_TEST}": " test_dataloader.num_workers=0",
    f"simhand train {_SCRATCH} --cfg-options {_DATA}": ONE_EPOCH_OF_FINE_TUNING,
    f"simhand test {_SCRATCH} {_TEST}": " test_dataloader.num_workers=0",
    "simhand compare my_hands/poses/test.parquet "
    "scratch=work_dirs/detnet_resnet50_1xb128-120e_freihand/predictions.parquet "
    "simhand=work_dirs/detnet_resnet50_pre_1xb128-120e_freihand/predictions.parquet": "",
}

# Not run by tests/test_readme.py; their options are still checked.
BY_ANOTHER_TEST = {
    "bash tools/quickstart.sh*": "tests/test_end_to_end.py runs it with --tiny",
    "bash tools/setup_env.sh": "creates the environment of the tests",
    "bash tools/run_tests.sh*": "runs the tests",
    "bash tools/build_docs.sh*": "tests/test_site.py builds the site",
    "pip wheel . --no-deps --wheel-dir dist": "tests/test_wheel.py",
    "pip install *": "downloads; tests/test_wheel.py installs the wheel without it",
    "python projects/example_project/positives.py *": "tests/test_projects.py",
    "python projects/plain_pytorch/train.py *": "tests/test_plain_pytorch.py",
    "simhand train projects/example_project/*": "tests/test_projects.py",
    "pip uninstall *": "changes another environment",
    "simhand demo my_video.mp4 --checkpoint *": "tests/test_pose/test_publishing.py",
    "simhand demo pictures*": "tests/test_inference/ with keypoints in place of MediaPipe",
    "simhand demo --camera": "needs a camera; tests/test_inference/test_live_view.py",
    "simhand synthesize data/* --stills any": "tests/test_synthetic/test_dataset.py",
    "simhand train configs/detnet/*synthetic-any*": "builds in tests/test_configs.py",
    "simhand test configs/detnet/*synthetic-any*": "builds in tests/test_configs.py",
    "simhand demo pictures --config *": "tests/test_wheel.py",
    "simhand export-onnx CONFIG CHECKPOINT *": "tests/test_pose/test_export.py",
    "simhand train configs/detnet/*=HEATMAP/backbone.pth *": "tests/test_pretraining/"
    "test_training.py loads the weights of a heatmap run",
    "simhand convert-boxes *": "tests/test_converters/test_frame_numbers.py",
    "simhand prepare * --detections boxes.parquet": "tests/test_preparation/test_finders.py",
    "simhand subset data/pool data/pool-sharp *": "tests/test_preparation/test_subset.py",
    "simhand export-pool *": "tests/test_pool/test_exporting.py",
    "simhand convert coco *": "tests/test_converters/test_own_labels.py",
    "simhand convert json *": "tests/test_converters/test_own_labels.py",
    "simhand test configs/* test_dataloader.dataset.data_root=my_hands": "tests/test_converters/"
    "test_own_labels.py, with a smaller config",
    "simhand evaluate my_hands/*": "tests/test_converters/test_own_labels.py",
    "simhand prepare frames data/pool *": "tests/test_preparation/test_images.py",
    "simhand prepare gestures data/pool *": "tests/test_preparation/test_images.py",
    "simhand prepare list.csv data/pool": "tests/test_preparation/test_images.py",
    "simhand prepare shards data/pool *": "tests/test_preparation/test_archives.py",
    "simhand prepare data/videos data/pool --fps 1 --dry-run": "tests/test_cluster.py",
    "simhand prepare * --executor ray *": "tests/test_preparation/test_same_bytes.py",
    "simhand mine * --launcher ray *": "tests/test_mining/test_run.py",
    "simhand find-duplicates *": "tests/test_mining/test_shared_footage.py",
    "simhand mine * --group-by duplicates.csv": "tests/test_mining/test_shared_footage.py",
    "simhand explore *": "tests/test_explorer/test_page.py",
    "simhand subset data/pool data/pool-clean --exclude exclude.csv": "tests/test_explorer/"
    "test_page.py",
    "simhand lift *": "tests/test_lifting/test_commands.py",
    "python projects/adaptation/ablation.py *": "tests/test_projects.py",
    "simhand adapt *": "tests/test_experiments/test_adaptation.py",
    "simhand test configs/detnet/detnet_resnet18_1xb32-2400i_pseudo-any-64px.py *": (
        "tests/test_experiments/test_adaptation.py"
    ),
    "simhand predict *": "tests/test_lifting/test_methods.py",
    "simhand evaluate * --hands-of *": "tests/test_lifting/test_methods.py",
    "simhand prepare my_clips data/clips-pool *": "another name of a command that is run",
    "simhand synthesize data/synthetic-stills *": "tests/test_synthetic/test_dataset.py",
    "simhand pseudo-label *": "tests/test_lifting/test_commands.py",
    "simhand synthesize data/synthetic *": "tests/test_synthetic/test_dataset.py",
    "simhand train-lifter *": "tests/test_lifting/test_commands.py",
    "simhand probe *": "tests/test_pretraining/test_probing.py",
    "simhand doctor": "tests/test_doctor.py",
    "simhand reproduce *": "tests/test_experiments runs plans, stubbed and with very little data",
    "python tests/module_map.py": "tests/test_docs.py compares its output with docs/design.md",
    "simhand synthesize data/synthetic-any *": "tests/test_synthetic/test_dataset.py",
    "python projects/synthhands/gradient_mass.py *": "tests/test_experiments/test_synthhands.py",
    "python -m projects.synthhands.page *": "tests/test_experiments/test_synthhands.py",
    "python -m projects.simhand_paper.page*": "tests/test_experiments/test_simhand_paper.py",
    "python -m tests.test_preparation.video_matrix *": "tests/test_preparation/test_full_decode.py",
}
NEEDS = {
    "* configs/*ego4d-*": "Ego4D cannot be shipped",
    "* data/pools/ego4d-*": "Ego4D cannot be shipped",
    "* configs/detnet/detnet_resnet50_pre_1xb128-120e_freihand.py *": "FreiHAND cannot be shipped",
    "simhand import-hand100m *": "Hand100M cannot be shipped",
    "simhand import-backbone resnet50_simhand.pth *": "the authors' weights cannot be shipped",
    "simhand test CONFIG CHECKPOINT *": "placeholder for any config and checkpoint",
    "python tools/benchmarks/*": "minutes to hours on a quiet machine, for docs/performance.md",
    "sbatch *": "a Slurm cluster",
    "srun *": "a Slurm cluster",
    "ray *": "a Ray cluster",
    "torchrun *": "several machines",
}


def commands_of(path: Path) -> list[str]:
    """Return the commands in the code blocks of a document, in order."""
    commands = []
    for block in code_blocks(path.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            command = " ".join(re.sub(r"\s#\s.*", "", line).split())
            command = re.sub(r"^([A-Z_]+=\S* )+", "", command)
            # A row of a table may also start with "simhand".
            if command.split(" ")[0] in STARTERS and not re.search(r"^\w+ [\d.]+ ", command):
                commands.append(command)
    return commands


def code_blocks(text: str) -> list[str]:
    """Return fenced blocks of shell or without language, and indented blocks."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
    fenced = [block for language, block in fence.findall(text) if language in ("", "bash", "sh")]
    return [*fenced, *re.findall(r"(?:^ {4}.*\n?)+", fence.sub("", text), re.MULTILINE)]


def is_named(command: str) -> bool:
    """Whether there is a reason why a command is not run."""
    return any(fnmatchcase(command, pattern) for pattern in (*BY_ANOTHER_TEST, *NEEDS))
