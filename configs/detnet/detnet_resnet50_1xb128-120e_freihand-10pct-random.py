# A random 10 % of the images: the wording of the paper, not its code.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

train_dataloader = dict(dataset=dict(subset_size=13023, subset_rule='random'))
