# A random 10 % of the images, as the paper describes it; the released code differs.
_base_ = './detnet_resnet50_1xb128-120e_freihand.py'

train_dataloader = dict(dataset=dict(subset_size=13023, subset_rule='random'))
