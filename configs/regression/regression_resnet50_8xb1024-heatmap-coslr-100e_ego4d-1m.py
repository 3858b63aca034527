_base_ = './regression_resnet50_8xb1024-coslr-100e_ego4d-1m.py'

model = dict(head=dict(type='simhand_mm.KeypointHeatmapHead'))
