_base_ = './simhand_resnet50_8xb1024-coslr-100e_ego4d-100doh-2m.py'

# The global batch of 8 GPUs on one GPU: 1024 pairs are encoded at a time, the loss covers all 8192.
train_dataloader = dict(batch_size=8192, num_workers=6)  # 15 GB of /dev/shm
model = dict(micro_batch_size=1024)
