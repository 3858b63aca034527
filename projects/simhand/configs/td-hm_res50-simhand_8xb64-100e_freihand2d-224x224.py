_base_ = 'mmpose::hand_2d_keypoint/topdown_heatmap/freihand2d/' \
         'td-hm_res50_8xb64-100e_freihand2d-224x224.py'

# Needs no package beside MMPose: the backbone of a pre-training by SiMHand.
# Set its file on the command line.
_base_['model']['backbone']['init_cfg'] = dict(
    type='Pretrained', checkpoint=None, prefix='backbone.')
