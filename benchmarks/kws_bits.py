import sys, time, json
from pathlib import Path
import numpy as np
import mcuq
from mcuq.quantization import Options, quantize
S=Path("/work/shared")
g=mcuq.load(S/"models/mlperf/kws_savedmodel")
d=np.load(S/"data/kws01.npz"); x=((d["X"].astype(np.float32)-83)*np.float32(0.5847029))[:,None]; y=d["Y"]
dw=[n.name for n in g.nodes if n.op.name=="depthwise_conv2d"]
print([n.name for n in g.nodes if n.op.weights_axis is not None])
def size(plan):
    t=0
    for s in plan.steps:
        for m,v in s.params.tables():
            if m.name in("weights","levels","codebook"): t+=v.nbytes
    return t
base=None
def run(label,**o):
    global base
    t=time.time(); r=quantize(g,x[:100],Options(**o)); plan=mcuq.compile(r.graph)
    q=mcuq.simulate(plan,x[100:]); acc=(np.asarray(q).reshape(900,-1).argmax(1)==y[100:]).mean()
    b=size(plan); base=base or (acc,b)
    print(f"{label:40} {acc*100:6.2f}  drop {100*(base[0]-acc):5.2f}  bytes {b} {b/base[1]:.3f}  {time.time()-t:.1f}s",flush=True)
D=dict.fromkeys(dw,8)
run("int8")
run("int4 clip dw8",bits=4,clip=True,layer_bits=D)
run("int4 dw8",bits=4,layer_bits=D)
run("int4 clip no rounding dw8",bits=4,clip=True,layer_bits=D,corrections=())
run("int4 clip all",bits=4,clip=True)
run("cb16 dw8",codebook=16,layer_bits=D)
run("cb16 energy dw8",codebook=16,codebook_energy=True,layer_bits=D)
run("cb16 none dw8",codebook=16,layer_bits=D,corrections=())
run("cb16 energy all",codebook=16,codebook_energy=True)
run("cb16 per 16 ch dw8",codebook=16,codebook_channels=16,layer_bits=D)
run("2bit",bits=2,clip=True,layer_bits=D)
run("cb4",codebook=4,layer_bits=D)
run("5bit",bits=5,clip=True,layer_bits=D)
