"""run parts of the draft, printing text and saving figures"""
import sys
sys.path.insert(0,".")
import IPython.display as D
n=[0]
def display(data, **k):
    if isinstance(data, dict):
        n[0]+=1; open(f"./h7/fig{n[0]:02d}.png","wb").write(data["image/png"]); print(f"   FIG{n[0]}", data["text/plain"])
D.display=display
src=open(sys.argv[1]).read()
exec(compile(src, "draft", "exec"), {"__name__":"nb"})
