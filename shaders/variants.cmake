# Every SPIR-V module of the library, a row each. A module declares only the bindings and capabilities that all its
# users must have; everything else is a specialisation constant.
#
#   NAME        how the library looks it up; .sg modules use subgroup arithmetic, .base ones no subgroup capability
#   SOURCE      in shaders/
#   TARGET_ENV  spirv1.3 for .sg (Vulkan 1.1), spirv1.0 for .base (Vulkan 1.0 with nothing enabled)
#   DEFINES     macros; VKN_SUBGROUPS is given to all

foreach(form "sg;spirv1.3;1" "base;spirv1.0;0")
    list(GET form 0 suffix)
    list(GET form 1 env)
    list(GET form 2 subgroups)
    set(common TARGET_ENV ${env} DEFINES VKN_SUBGROUPS=${subgroups})

    foreach(rows ";0" "_gpurows;1")
        list(GET rows 0 rows_name)
        list(GET rows 1 gpu_rows)
        foreach(access ";0" "_aligned;1")
            list(GET access 0 access_name)
            list(GET access 1 aligned)
            set(defines ${common} VKN_ALIGNED=${aligned} VKN_GPU_ROWS=${gpu_rows})
            set(name ${access_name}${rows_name}.${suffix})
            vknorm_kernel(NAME norm${name}         SOURCE norm.comp ${defines} VKN_IN_PLACE=0)
            vknorm_kernel(NAME norm_inplace${name} SOURCE norm.comp ${defines} VKN_IN_PLACE=1)
        endforeach()
    endforeach()
    vknorm_kernel(NAME selftest.${suffix}             SOURCE selftest.comp ${common})
endforeach()

vknorm_kernel(NAME prepare_rows.base SOURCE prepare_rows.comp TARGET_ENV spirv1.0 DEFINES VKN_SUBGROUPS=0)
