import sys; sys.path.insert(0,".")
import re
s=open('./drafts/07.py').read()
s=s.replace("Path.cwd(), *Path.cwd().parents","Path('.')")
# cut live trainings
a=s.index('# %% tags=["nbval-ignore-output"]\ndata ='); b=s.index("# %%\nshipped = weights.load_shipped")
s=s[:a]+s[b:]
a=s.index('# %% tags=["nbval-ignore-output"]\nplan ='); s=s[:a]
fake='''
import numpy as np
def _fake(study, folder=None):
    r=np.random.default_rng(0)
    if study=="class_weights":
        names=["no weights","weights"]; sc=["recall triangle","precision triangle","IoU triangle","mean IoU"]
    else:
        names=["notebook 07","from scratch","outlined too","overlaps","five kinds","all three","all, from scratch"]; sc=["mean IoU","foreground IoU"]
    return experiments.Table(study,"m",{n:{k:r.random(3) for k in sc} for n in names})
experiments.read=_fake
_ls=weights.load_shipped
def _load(name="unet_shapes"):
    if name=="unet_shapes": return _ls()
    m=unet.build_unet(**recipe.network); classes.copy_layers(_ls(), m); return m
weights.load_shipped=_load
'''
i=s.index("# %% [markdown]\n# ## Labels for four")
s=s[:i]+fake+s[i:]
open('./h7/part2_src.py','w').write(s)
