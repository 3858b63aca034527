#!/usr/bin/env bash
# The whole pipeline on built-in synthetic hands, without any download of data or weights:
#   videos -> hand pool -> mined pairs -> pre-training (SimCLR, PeCLR, SiMHand, pose-aware, heatmaps)
#   -> 3D fine-tuning -> one table and a report.
# The last row of the table needs no training: MediaPipe and the lifter in the package.
# Finished stages are not repeated: the script can be interrupted and started again at any time.
#   bash tools/quickstart.sh                     about 10 minutes on two CPU cores
#   bash tools/quickstart.sh --tiny [WORK_DIR]   the same with very little data, as a quick check
#   bash tools/quickstart.sh --real FOLDER       pre-trains on the videos or pictures in FOLDER instead
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh

videos=80 frames=24 test_stills=300 steps=408
# Few labels, because pre-training helps most there (docs/synthhands.md).
train_stills=100
# 24 epochs of this small pool are 408 steps. With fewer, SiMHand learns little (docs/synthhands.md).
pretrain_options=(train_cfg.max_epochs=24 param_scheduler.1.T_max=23) finetune_options=()
work=work_dirs/quickstart
if [ "${1:-}" = --tiny ]; then
    videos=8 frames=8 train_stills=24 test_stills=24 steps=8
    pretrain_options=(train_cfg.max_epochs=2 param_scheduler.1.T_max=1 train_dataloader.batch_size=16)
    finetune_options=(train_cfg.max_epochs=1 train_dataloader.batch_size=12)
    work=work_dirs/quickstart-tiny
    shift
fi
real=
if [ "${1:-}" = --real ]; then
    real="${2:?--real must be followed by a folder of videos or pictures}"
    videos=0 work="$work-real"
    shift 2
fi
work="${1:-$work}"
mkdir -p "$work/stages"

# An interrupted quickstart may leave a stage running: wait until it has finished.
exec 9>"$work/stages/lock"
if command -v flock >/dev/null && ! flock --nonblock 9; then
    echo "quickstart: waiting for another quickstart, or one of its stages, that still runs in $work"
    flock 9
fi
export SIMHAND_DATA="$work" PYTHONWARNINGS=ignore TF_CPP_MIN_LOG_LEVEL=2 GLOG_minloglevel=2
# Waiting threads spin only for microseconds: several times faster on shared cores.
export PYTHONUNBUFFERED=1 GOMP_SPINCOUNT=20000
# Two chains of stages run at a time, each with half of the cores.
cores="$(nproc 2>/dev/null || echo 1)"
# bfloat16 only where the CPU has instructions for it; elsewhere it is slower.
amp=()
if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo 2>/dev/null; then amp=(--amp); fi

# result_of LOG: final error or loss of a training; the last line of the log for other stages.
result_of() {
    local mpjpe loss
    mpjpe="$(grep -oE '(root_scale/mpjpe_mm:|^root_scale) +[0-9.]+' "$1" | tail -n 1)" || true
    loss="$(grep -oE '\bloss: [0-9.]+' "$1" | tail -n 1)" || true
    if [ -n "$mpjpe" ]; then
        echo "root_scale MPJPE ${mpjpe##* } mm"
    elif [ -n "$loss" ]; then
        echo "$loss"
    else
        tr '\r' '\n' <"$1" | tail -n 1 | cut -c1-100
    fi
}

# stage NAME TOOL ARGUMENTS...: run a tool once and write its output to stages/NAME.log.
stage() {
    local name="$1" start=$SECONDS
    local log="$work/stages/$name.log" done_file="$work/stages/$name.done"
    shift
    if [ "$(cat "$done_file" 2>/dev/null)" = "$*" ]; then
        echo "quickstart: $name is done"
        return
    fi
    printf 'quickstart: %-20s runs\n' "$name"
    if ! .venv/bin/python "$@" >"$log" 2>&1; then
        tr '\r' '\n' <"$log" | tail -n 25 >&2
        echo "quickstart: stage $name failed; the full log is $log" >&2
        return 1
    fi
    echo "$*" >"$done_file.tmp" && mv "$done_file.tmp" "$done_file"
    printf 'quickstart: %-20s %4d s   %s\n' "$name" $((SECONDS - start)) "$(result_of "$log")"
}

pretrain() { # ALGORITHM CONFIG
    stage "pretrain-$1" tools/train.py "$2" --work-dir "$work/pretrain/$1" --resume "${amp[@]}" \
        --cfg-options randomness.seed=0 "${pretrain_options[@]}"
}

finetune() { # NAME CONFIG [KEY=VALUE...]
    local name="$1" config="$2" dir="$work/detnet/$1"
    shift 2
    stage "finetune-$name" tools/train.py "$config" --work-dir "$dir" --resume \
        --cfg-options randomness.seed=0 "${finetune_options[@]}" "$@"
    stage "test-$name" tools/test.py "$config" "$(cat "$dir/last_checkpoint")" --work-dir "$dir" --dump
}

echo "quickstart: working in $work"
start=$SECONDS
stage synthesize tools/synthesize_hands.py "$work/synthetic" --videos $videos --frames $frames \
    --stills-train $train_stills --stills-test $test_stills --seed 0 --workers 2
if [ -n "$real" ]; then
    echo "$real" >"$work/real.txt"
    stage prepare tools/prepare_pool.py "$real" "$work/pool" --fps 4 --workers 2
    hands="$(.venv/bin/python -c "import json, sys; print(json.load(open(sys.argv[1]))['num_hands'])" \
        "$work/pool/pool.json")"
    if [ "$hands" -lt 32 ]; then
        echo "quickstart: $real must show at least 32 hands, but $hands were found. Add videos." >&2
        exit 1
    fi
    # About as many steps as on the synthetic videos, also with a small pool; few with --tiny.
    batch=$((hands / 4 < 128 ? hands / 4 : 128))
    epochs=$((steps * batch / hands + 2))
    pretrain_options+=(train_dataloader.batch_size=$batch
        train_cfg.max_epochs=$epochs param_scheduler.1.T_max=$((epochs - 1)))
else
    stage prepare tools/prepare_pool.py "$work/synthetic/videos" "$work/pool" --fps 10 --workers 2
fi
stage mine tools/mine_pairs.py "$work/pool" --ranks 1,2,3,10,50,100
if [ -z "$real" ]; then
    stage check-pairs tools/check_pairs.py "$work/pool" "$work/synthetic" \
        --out "$work/mining_check.json"
fi

# method NAME: everything that the row NAME of the table needs.
method() {
    local poses="$work/synthetic/poses/test.parquet" dir="$work/detnet/$1"
    local pretrained=configs/detnet/detnet_resnet18_synthetic-pre_1xb16-30e_synthetic-64px.py
    local backbone="$work/pretrain/$1/backbone.pth"
    case "$1" in
    scratch)
        finetune scratch configs/detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py
        ;;
    lifter)
        mkdir -p "$dir"
        stage predict-lifter tools/predict_poses.py "$poses" "$dir/predictions.parquet"
        stage test-lifter tools/evaluate_predictions.py "$poses" "$dir/predictions.parquet" \
            --hands-of "$dir/predictions.parquet" -o "$dir/metrics.json"
        ;;
    heatmap) # the upsampling layers are pre-trained too
        pretrain heatmap configs/regression/regression_resnet18_1xb128-heatmap-coslr-6e_synthetic-64px.py
        finetune heatmap "$pretrained" model.backbone.init_cfg.checkpoint="$backbone" \
            model.head.init_cfg.type=Pretrained model.head.init_cfg.prefix=head. \
            model.head.init_cfg.checkpoint="$backbone"
        ;;
    *)
        pretrain "$1" "configs/$1/$1_resnet18_1xb128-coslr-6e_synthetic-64px.py"
        finetune "$1" "$pretrained" model.backbone.init_cfg.checkpoint="$backbone"
        ;;
    esac
}

methods() {
    for name in "$@"; do method "$name"; done
}

if [ "$cores" -gt 1 ]; then
    export OMP_NUM_THREADS=$((cores / 2)) MKL_NUM_THREADS=$((cores / 2))
    methods simclr peclr scratch lifter &
    methods simhand poseaware heatmap
    wait $!
else
    methods scratch simclr peclr simhand poseaware heatmap lifter
fi

echo "quickstart: finished after $((SECONDS - start)) s"
.venv/bin/python tools/report.py "$work"
