# Table 2, w/o pre-training, FreiHand*: MPJPE 48.19, PCK-AUC 49.17 in the paper. Green-screen pictures only.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

train_dataloader = dict(dataset=dict(subset_size=13023, subset_rule='first'))
